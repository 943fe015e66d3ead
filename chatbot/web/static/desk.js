// The review desk in the browser: keys and clicks become events, one at a time, and what comes back
// is shown. Nothing here decides anything: the server compares each claim with what it has stored.

import { toast, ask as askDialog } from "./dialogs.js";
import { showDiff } from "./desk_diff.js";
import { nextTheme, paintTheme } from "./theme_button.js";

const root = document.documentElement;
const $ = (id) => document.getElementById(id);
const touch = matchMedia("(hover: none)");

const LOOK_MS = 2500;
const ACTIVE_MS = 5 * 60 * 1000; // after this long without a hand on it, an item is not kept
const LOST_MS = 12000;
const SETTLE_MS = 500; // keys that decide are deaf this long after another answer has appeared

let send = null;
let filter = { view: "open", category: "", search: "" };
let waiting = []; // events that wait for the one on its way
let flying = null;
let touched = Date.now();
let appeared = 0;
let shownItem = "";
let original = "", drafted = ""; // the words as they stand; the model's, which changes show against
let undoItem = "";
let undoUntil = 0;
let keysOn = true;
try { keysOn = localStorage.getItem("desk-keys") !== "off"; } catch { /* storage is switched off */ }

document.addEventListener("countersign:bridge", (event) => { if (!send) { send = event.detail; start(); } });

function start() {
  paintTheme();
  $("keys-on").checked = keysOn;
  new MutationObserver(heard).observe($("news"), { childList: true, subtree: true, attributes: true, characterData: true });
  const wanted = new URLSearchParams(location.search).get("item");
  emit("open", wanted ? { item: wanted } : {});
  setInterval(look, LOOK_MS);
  setInterval(countDown, 250);
}

// --- events, one at a time ---------------------------------------------------------------------

const item = () => document.querySelector("#item .item");
const openId = () => item()?.dataset.item || "";
const mine = () => item()?.dataset.mine === "yes";
const stamp = (place) => document.querySelector(`#${place} [data-stamp]`)?.dataset.stamp || "";

function emit(name, data = {}) {
  waiting.push([name, data]);
  fly();
}

function fly() {
  if (flying || !waiting.length || !send) return;
  const [name, data] = waiting.shift();
  const el = item();
  const about = el && el.dataset.item && !("item" in data)
    ? { item: el.dataset.item, fence: Number(el.dataset.fence), sha256: el.dataset.sha } : {};
  if (name === "look" || data.item === el?.dataset.item) about.version = Number(el?.dataset.version ?? -1);
  const run = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
  const have = { queue: stamp("queue"), item: stamp("item"), more: stamp("more"), evidence: stamp("evidence") };
  flying = { run, name, data, began: performance.now(), lost: setTimeout(lost, LOST_MS) };
  if (name !== "look") root.classList.add("busy");
  send(name, { run, have, active: Date.now() - touched < ACTIVE_MS, ...filter, ...about, ...data });
}

function lost() {
  if (flying.name !== "look") complain(flying, "The connection was lost. Look whether this was done.");
  flying = null;
  waiting = [];
  root.classList.remove("busy");
  $("state").dataset.state = "away";
  $("state").querySelector(".state-text").textContent = "Offline";
}

function heard() {
  const news = document.querySelector("#news .news");
  if (!news || !flying || news.dataset.run !== flying.run) return;
  const done = flying;
  clearTimeout(done.lost);
  flying = null;
  // Gradio sets the parts one after the other: this one is the last, but let the others be drawn.
  requestAnimationFrame(() => {
    root.classList.remove("busy");
    root.dataset.took = String(Math.round(performance.now() - done.began));
    settle(done, news.dataset, news.textContent);
    fly();
  });
}

function settle(done, news, text) {
  if (news.kind === "login") { location.href = "/desk/login"; return; }
  if ($("state").dataset.state !== "ready") {
    $("state").dataset.state = "ready";
    $("state").querySelector(".state-text").textContent = "Ready";
  }
  root.classList.add("up");
  root.classList.add(...(news.may || "").split(" ").filter(Boolean)); // pages that are not for all
  if ($("who").textContent !== news.me) $("who").textContent = news.me;
  const id = openId();
  root.classList.toggle("reading", Boolean(id));
  if (news.kind === "error") complain(done, text);
  else if (done.name !== "look") finished(done, news, text);
  if (id !== shownItem) {
    const before = shownItem;
    shownItem = id;
    appeared = Date.now();
    scrollTo(0, 0);
    if (done.name !== "look" && news.kind !== "error") focusItem(id, done, before);
    remember(id);
  }
  const count = document.querySelector('#queue [data-view="open"] .count')?.textContent;
  if (count) document.title = document.title.replace(/^(\(\d+\) )?/, count === "0" ? "" : `(${count}) `);
  if (editing() && !mine() && !$("problem").textContent) complain({ name: "decide", data: { act: "edit" } }, "You no longer hold this. Copy your text before you leave.");
}

function finished(done, news, text) {
  if (done.name === "decide" && done.data.act === "edit") stopEditing();
  if (done.name === "open" || done.name === "next") stopEditing();
  if (news.undo) showUndo(news.undo, Number(news.seconds), text);
  else if (text) toast(text);
  if (done.name === "undo") hideUndo();
  done.data.then?.();
}

function complain(done, text) {
  if (done.name === "decide" && done.data.act === "edit" && editing()) {
    $("problem").textContent = text;
    $("text").focus();
    return;
  }
  const box = $("toast");
  toast(text);
  box.classList.add("bad");
  setTimeout(() => box.classList.remove("bad"), 2600);
}

function focusItem(id, done, before) {
  if (editing()) return;
  if (id) $("asked")?.focus({ preventScroll: true });
  else if (done.name !== "open" || done.data.back) {
    const row = rows().find((el) => el.dataset.id === before) || rows()[0];
    row?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: "nearest" });
  }
}

function remember(id) {
  const query = id ? `/desk/?item=${encodeURIComponent(id)}` : "/desk/";
  if (location.pathname + location.search !== query) history.pushState(null, "", query);
}

function look() {
  if (document.hidden && !mine()) return;
  if (!flying && !waiting.length) emit("look");
}

// --- what the reviewer does ----------------------------------------------------------------------

const leaving = () => (mine() ? { leave: openId(), leave_fence: Number(item().dataset.fence) } : {});
function open(id, more = {}) {
  if (mayLeave()) emit("open", { item: id, ...(id === openId() ? {} : leaving()), ...more });
}

function decide(act, more = {}) {
  if (!mine() && act !== "recall") { toast("Take it first: press Enter."); return; }
  emit("decide", { act, ...more });
}

async function decideWords(act, dialog, field = "text") {
  if (!mine() && act !== "recall") return;
  const target = openId();
  const answer = await askDialog(dialog);
  if (answer && openId() === target) decide(act, { text: answer.get(field) || "", to: answer.get("to") || "" });
}

async function reject() {
  if (!mine()) return;
  const target = openId();
  const answer = await askDialog("reject-dialog");
  if (answer && openId() === target) decide("reject", { code: answer.get("code"), note: answer.get("note") });
}

async function reassign() {
  if (!mine()) return;
  const names = [...document.querySelectorAll("#item .colleagues li")].map((li) => li.textContent);
  if (!names.length) { toast("Nobody else may decide this."); return; }
  const select = document.querySelector("#reassign-dialog select");
  select.replaceChildren(...names.map((name) => new Option(name, name)));
  await decideWords("reassign", "reassign-dialog");
}

const editing = () => !$("editor").hidden;

function edit(text) {
  if (!mine()) { toast("Take it first: press Enter."); return; }
  original = item().querySelector(".plain-draft").textContent;
  $("text").value = text ?? original;
  $("problem").textContent = "";
  $("editor").hidden = false;
  root.classList.add("editing");
  grow();
  drafted = item().querySelector(".first-draft")?.textContent ?? original;
  showDiff($("diff"), drafted, $("text").value);
  $("text").focus();
  $("text").setSelectionRange(0, 0);
  if (touch.matches || innerWidth < 900) $("editor").scrollIntoView({ block: "start" });
}

function stopEditing() {
  if (!editing()) return;
  $("editor").hidden = true;
  root.classList.remove("editing");
  $("asked")?.focus({ preventScroll: true });
}

const unsaved = () => editing() && $("text").value !== original;
const mayLeave = () => !unsaved() || confirm("Throw your changes away?");
function cancelEdit() { if (mayLeave()) stopEditing(); }
addEventListener("beforeunload", (event) => { if (unsaved()) event.preventDefault(); });

function grow() {
  const box = $("text");
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

function sign() {
  if (flying?.name === "decide") return;
  $("problem").textContent = "";
  decide("edit", { text: $("text").value });
}

function showUndo(id, seconds, text) {
  undoItem = id;
  undoUntil = Date.now() + seconds * 1000;
  $("undo").querySelector(".undo-words").textContent = text;
  $("undo").hidden = false;
  countDown();
}
function hideUndo() { undoItem = ""; $("undo").hidden = true; }
function countDown() {
  if (!undoItem) return;
  const left = Math.ceil((undoUntil - Date.now()) / 1000 - 0.3);
  if (left <= 0) { hideUndo(); return; }
  const place = $("undo").querySelector(".undo-left");
  if (place.textContent !== `${left} s`) place.textContent = `${left} s`;
}
function undo() {
  if (!undoItem) { toast("There is nothing to undo."); return; }
  if (!mayLeave()) return;
  stopEditing();
  emit("undo", { item: undoItem, ...leaving() });
  hideUndo();
}

// --- the list and the evidence -------------------------------------------------------------------

const rows = () => [...document.querySelectorAll("#queue .row")];
const chosenRow = () => document.querySelector('#queue .row[aria-current="true"]');

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement.closest?.(".row") || chosenRow());
  const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

function toList() { ((chosenRow() || rows()[0]) ?? $("search")).focus(); }

function sift(change) {
  filter = { ...filter, ...change };
  emit("look");
}

function source(marker) {
  const card = document.querySelector(`#evidence .source[data-marker="${CSS.escape(marker)}"]`);
  if (!card) return;
  card.open = true;
  for (const el of document.querySelectorAll("#evidence .source.lit")) el.classList.remove("lit");
  card.classList.add("lit");
  (card.querySelector("mark") || card).scrollIntoView({ block: "center", behavior: "smooth" });
  card.querySelector("summary").focus({ preventScroll: true });
}

function light(sentence) {
  const markers = new Set((sentence?.dataset.markers || "").split(" ").filter(Boolean));
  for (const el of document.querySelectorAll("#evidence .source")) el.classList.toggle("lit", markers.has(el.dataset.marker));
}

// --- clicks and keys -----------------------------------------------------------------------------

async function logout() {
  if (mine()) emit("open", { item: "", ...leaving(), then: leave });
  else await leave();
}
async function leave() {
  await fetch("/desk/logout", { method: "POST", redirect: "manual" });
  location.href = "/desk/login";
}

const acts = {
  open: (el) => open(el.dataset.id),
  take: () => open(openId()),
  next: () => { if (mayLeave()) emit("next", leaving()); },
  back: () => (editing() ? cancelEdit() : open("", { back: true })),
  skip: () => $("asked")?.focus(),
  view: (el) => sift({ view: el.dataset.view }),
  unsift: () => { $("search").value = ""; sift({ category: "", search: "" }); },
  approve: () => decide("approve"),
  missed: () => decide("missed"),
  edit: () => edit(),
  use: (el) => edit(el.closest("li").querySelector(".then-said").textContent.replace(/ ?\[\d{1,2}\]/g, "")),
  "cancel-edit": cancelEdit,
  reject,
  ask: () => decideWords("ask", "ask-dialog"),
  escalate: () => decideWords("escalate", "escalate-dialog"),
  reassign,
  recall: () => decideWords("recall", "recall-dialog"),
  redraft: () => decide("redraft"),
  "put-back": () => decide("put-back"),
  undo,
  help: () => $("help").showModal(),
  theme: nextTheme,
  logout,
};

document.addEventListener("click", (event) => {
  touched = Date.now();
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const cite = event.target.closest?.("#item .cite");
  if (cite) { event.preventDefault(); light(cite.closest(".sentence")); source(cite.dataset.marker); return; }
  const el = event.target.closest?.("[data-act]");
  const rest = document.querySelector(".rest-acts[open]");
  if (rest && !event.target.closest("summary")) rest.open = false;
  if (!el || !acts[el.dataset.act]) { light(event.target.closest?.(".sentence")); return; }
  event.preventDefault();
  acts[el.dataset.act](el);
});

document.addEventListener("submit", (event) => {
  if (event.target.id === "editor") { event.preventDefault(); sign(); }
});
document.addEventListener("change", (event) => {
  if (event.target.id === "category") sift({ category: event.target.value });
  if (event.target.id === "keys-on") {
    keysOn = event.target.checked;
    try { localStorage.setItem("desk-keys", keysOn ? "on" : "off"); } catch { /* not kept */ }
  }
});
let typing = 0;
document.addEventListener("input", (event) => {
  touched = Date.now();
  if (event.target.id === "text") { grow(); showDiff($("diff"), drafted, $("text").value); }
  if (event.target.id === "search") {
    clearTimeout(typing);
    typing = setTimeout(() => sift({ search: event.target.value.trim() }), 180);
  }
});

const keys = {
  n: "next", a: "approve", m: "missed", e: "edit", r: "reject", q: "ask", x: "escalate", h: "reassign",
  d: "redraft", b: "put-back", z: "undo", c: "recall", u: "back", "?": "help",
};
const ON_ITEM = new Set(["approve", "missed", "edit", "reject", "ask", "escalate", "reassign", "redraft", "put-back", "recall"]);
const DECIDING = new Set(["approve", "missed", "reject", "escalate", "put-back", "redraft", "recall"]);

document.addEventListener("keydown", (event) => {
  touched = Date.now();
  if (event.isComposing) return;
  const dialog = document.querySelector("dialog[open]");
  if (dialog) { inDialog(dialog, event); return; }
  if (event.target.id === "text") { inEditor(event); return; }
  const field = event.target.closest?.("input, textarea, select");
  if (event.key === "Escape") {
    if (field?.id === "search") { if (field.value) acts.unsift(); toList(); }
    else if (field) field.blur();
    else if (editing()) cancelEdit();
    else if (openId()) acts.back();
    return;
  }
  if (event.key === "Enter" && field?.id === "search") { event.preventDefault(); toList(); return; }
  if (field || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "/") { event.preventDefault(); $("search").focus(); $("search").select(); return; }
  if (!keysOn && event.key !== "?") return;
  single(event);
});

function single(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "j" || key === "k") { event.preventDefault(); move(key === "j" ? 1 : -1); return; }
  if (/^[1-9]$/.test(key)) { source(key); return; }
  if (key === "Enter" && event.target.id === "asked" && !mine()) { acts.take(); return; }
  const act = keys[key];
  if (!act || event.repeat) return;
  event.preventDefault();
  // A key that was meant for the answer before must not decide the one that has just appeared.
  if (DECIDING.has(act) && (flying?.name !== "look" && flying || Date.now() - appeared < SETTLE_MS)) return;
  const button = document.querySelector(`#item [data-act="${act}"]`);
  const rest = document.querySelector(".rest-acts[open]");
  if (rest) rest.open = false;
  if (ON_ITEM.has(act) && !button) { if (openId()) toast("That cannot be done here."); return; }
  if (button?.disabled) { toast("That is not possible while the draft is missing or outdated."); return; }
  acts[act]();
}

function inEditor(event) {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); sign(); }
  else if (event.key === "Escape") { event.preventDefault(); cancelEdit(); }
}

function inDialog(dialog, event) {
  const area = event.target.closest?.("textarea, input[type=text]");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    dialog.querySelector("form").requestSubmit(dialog.querySelector('[value="yes"]'));
  } else if (dialog.id === "reject-dialog" && !area && /^[1-9]$/.test(event.key)) {
    const choice = dialog.querySelectorAll('input[name="code"]')[Number(event.key) - 1];
    if (choice) { choice.checked = true; choice.focus(); }
  }
}

// A page that is closed keeps nothing from the others.
addEventListener("pagehide", () => {
  if (mine()) navigator.sendBeacon("/desk/leave", new URLSearchParams({ item: openId(), fence: item().dataset.fence }));
});
addEventListener("popstate", () => {
  if (!send) return;
  const wanted = new URLSearchParams(location.search).get("item") || "";
  if (wanted !== openId()) open(wanted, { back: true });
});
for (const name of ["pointerdown", "wheel"]) addEventListener(name, () => { touched = Date.now(); }, { passive: true });
