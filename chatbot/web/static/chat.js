// The chat page in the browser: turns what the reader does into events, and shows what comes back.
// Nothing here decides anything: the server checks every event against the reader's cookie.

import { health } from "./health.js";
import { closePanel, openSource, panelOpen, refreshPanel } from "./panel.js";
import { ask as askDialog, toast } from "./dialogs.js";
import { Composer } from "./composer.js";
import { nextTheme, paintTheme } from "./theme_button.js";

const root = document.documentElement;
const $ = (id) => document.getElementById(id);

let send = null; // set when Gradio has mounted the bridge
let composer = null;
let conversation = ""; // as the server last named it
let answering = false;
let run = ""; // our name for the answer being made; the server sends it back with each turn
let afterwards = null; // what to do when the running answer has ended
let watchdog = 0;
const rated = new Map();

document.addEventListener("countersign:bridge", (event) => { send = event.detail; start(); });

function start() {
  composer = new Composer(ask);
  new MutationObserver(changed).observe($("history"), { childList: true, subtree: true, attributes: true });
  new MutationObserver(changed).observe($("live"), { childList: true, subtree: true, attributes: true });
  paintTheme();
  open(new URLSearchParams(location.search).get("c") || "", false);
  health($("state"), (state) => { if (state === "ready" && document.querySelector(".blank")) open("new", false); });
}

// --- what comes back -------------------------------------------------------------------------

let arrived = false;
let queued = false;

function changed() {
  if (queued) return;
  queued = true;
  queueMicrotask(() => { queued = false; settle(); });
}

function settle() {
  const thread = document.querySelector("#history .thread");
  const turn = document.querySelector("#live .turn");
  if (!thread && !turn) return;
  if (!arrived) { arrived = true; root.classList.add("up"); restorePanel(); composer.focusUnlessTouch(); }
  const named = turn?.dataset.conversation || thread?.dataset.conversation || "";
  if (named !== conversation) { conversation = named; remember(named); }
  const working = ["searching", "reading", "writing"].includes(turn?.dataset.phase);
  if (turn && working) { follow(); sendStop(); }
  if (answering && turn?.dataset.run === run && !working) ended(turn);
  for (const [record, value] of rated) showRating(record, value);
  refreshPanel();
  news();
}

function ended(turn) {
  follow();
  setAnswering(false);
  if (turn.dataset.phase === "failed" && !turn.dataset.record) composer.giveBack(turn.querySelector(".question p").textContent);
  const next = afterwards;
  afterwards = null;
  next?.();
}

// --- what people at the desk have done -------------------------------------------------------

const desk = new Map(); // record → how it stood when it was last shown
let checking = 0;

function waitingTurns() { return [...document.querySelectorAll(".turn[data-desk]")]; }

function news() {
  for (const turn of waitingTurns()) {
    const before = desk.get(turn.dataset.record), now = turn.dataset.desk;
    desk.set(turn.dataset.record, now);
    if (before === "open" && now === "closed") toast("There is news about your question.");
  }
  const open = waitingTurns().some((turn) => turn.dataset.desk === "open");
  if (open && !checking) checking = setInterval(check, 2500);
  if (!open && checking) { clearInterval(checking); checking = 0; }
}

// A form that is being filled in is left alone: the page would take the words away.
function check() {
  if (answering || document.querySelector(".card form :focus")) return;
  const versions = Object.fromEntries(waitingTurns().map((t) => [t.dataset.record, Number(t.dataset.version)]));
  send("check", { conversation, versions });
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest?.("[data-form]");
  if (!form) return;
  event.preventDefault();
  const words = Object.fromEntries(new FormData(form));
  document.activeElement?.blur();
  send(form.dataset.form, { conversation, record: form.dataset.record, ...words });
});

function remember(id) {
  const query = id ? `/?c=${encodeURIComponent(id)}` : "/?c=new";
  if (location.pathname + location.search !== query) history.pushState(null, "", query);
}

function restorePanel() {
  const match = location.hash.match(/^#source-(\d+)-(p?\d+)$/);
  if (match) requestAnimationFrame(() => openSource(match[1], match[2], false));
  else requestAnimationFrame(() => {
    const turns = document.querySelectorAll("#history .turn");
    if (turns.length > 1) turns[turns.length - 1].scrollIntoView({ block: "start" });
  });
}

// Keep the newest words in view, unless the reader has scrolled up to read something else.
let pinned = true;
addEventListener("scroll", () => {
  pinned = innerHeight + scrollY > document.documentElement.scrollHeight - 160;
}, { passive: true });
function follow() { if (pinned) scrollTo({ top: document.documentElement.scrollHeight }); }

// --- what the reader does --------------------------------------------------------------------

function open(id, push = true) {
  stopThen(() => {
    closePanel(false);
    composer.cancelEdit();
    if (push && id) history.pushState(null, "", `/?c=${encodeURIComponent(id)}`);
    conversation = id === "new" ? "" : id;
    send("open", { conversation: id });
    menu(false);
    pinned = false;
    scrollTo(0, 0);
  });
}

function ask(text, keep) {
  if (answering) return;
  setAnswering(true);
  closePanel(false);
  pinned = true;
  send("ask", { conversation, text, run, ...(keep === null ? {} : { keep }) });
}

function again(turn) {
  if (answering) return;
  setAnswering(true);
  closePanel(false);
  const text = turn.querySelector(".question p").textContent;
  send("again", { conversation, turn: Number(turn.dataset.turn), text, run });
}

// A stop that comes before the server has named the conversation waits until it has.
let stopWanted = false;
function stop() { if (answering) { stopWanted = true; sendStop(); } }
function sendStop() {
  const turn = document.querySelector("#live .turn");
  if (!stopWanted || turn?.dataset.run !== run) return;
  stopWanted = false;
  send("stop", { conversation: turn.dataset.conversation });
}

function stopThen(next) {
  if (!answering) { next(); return; }
  afterwards = next;
  stop();
}

function setAnswering(on) {
  answering = on;
  stopWanted = false;
  if (on) run = crypto.getRandomValues(new Uint32Array(1))[0].toString(36);
  composer.busy(on);
  root.classList.toggle("answering", on);
  clearTimeout(watchdog);
  // If the server went away in the middle, the reader must be able to go on.
  if (on) watchdog = setTimeout(function check() {
    if ($("state").dataset.state === "away") { setAnswering(false); toast("The connection was lost. Ask again."); }
    else watchdog = setTimeout(check, 5000);
  }, 15000);
}

async function rate(turn, value) {
  const record = turn.dataset.record;
  const pressed = turn.querySelector(`[data-act="${value === 1 ? "up" : "down"}"]`);
  if (pressed && pressed.getAttribute("aria-pressed") === "true") value = 0;
  let reason = "", comment = "";
  if (value === -1) {
    const answer = await askDialog("rate-dialog");
    if (!answer) return;
    reason = answer.get("reason"); comment = answer.get("comment");
  }
  rated.set(record, value);
  showRating(record, value);
  send("rate", { record, value, reason, comment });
  if (value) toast("Thank you. That is noted.");
}

function showRating(record, value) {
  for (const turn of document.querySelectorAll(".turn")) {
    if (turn.dataset.record !== record) continue;
    for (const [act, worth] of [["up", 1], ["down", -1]]) {
      const button = turn.querySelector(`[data-act="${act}"]`);
      const state = String(value === worth);
      if (button && button.getAttribute("aria-pressed") !== state) button.setAttribute("aria-pressed", state);
    }
  }
}

async function copy(turn) {
  const text = turn.querySelector(".plain").textContent;
  try { await navigator.clipboard.writeText(text); }
  catch {
    const area = Object.assign(document.createElement("textarea"), { value: text });
    document.body.append(area); area.select(); document.execCommand("copy"); area.remove();
  }
  toast("Copied, with its sources");
}

function menu(on) {
  if (!matchMedia("(max-width: 900px)").matches) on = false;
  root.classList.toggle("menu-open", on);
  $("menu").setAttribute("aria-expanded", String(on));
  $("shade").hidden = !on && !(panelOpen() && matchMedia("(max-width: 1240px)").matches);
  if (on) document.querySelector("#sidebar .new")?.focus();
}

async function rename(id) {
  const link = document.querySelector(`.conversations a[data-id="${CSS.escape(id)}"]`);
  const answer = await askDialog("rename-dialog", { title: link?.textContent });
  if (answer) send("rename", { conversation: id, current: conversation, title: answer.get("title") });
}

async function remove(id) {
  const link = document.querySelector(`.conversations a[data-id="${CSS.escape(id)}"]`);
  if (await askDialog("delete-dialog", { about: link?.textContent })) {
    stopThen(() => { closePanel(false); send("remove", { conversation: id, current: conversation }); });
  }
}

async function logout() {
  await fetch("/logout", { method: "POST", redirect: "manual" });
  location.href = "/";
}

const acts = {
  menu: () => menu(!root.classList.contains("menu-open")),
  shade: () => { menu(false); closePanel(); },
  theme: nextTheme,
  skip: () => $("question").focus(), // by hand: the page has a <base>, so "#" would leave it
  new: () => { open("new"); composer.focusUnlessTouch(); },
  open: (el) => open(el.dataset.id),
  rename: (el) => rename(el.dataset.id),
  delete: (el) => remove(el.dataset.id),
  example: (el) => ask(el.textContent, null),
  stop,
  copy: (el) => copy(el.closest(".turn")),
  up: (el) => rate(el.closest(".turn"), 1),
  down: (el) => rate(el.closest(".turn"), -1),
  withdraw: (el) => send("withdraw", { conversation, record: el.dataset.record }),
  person: (el) => {
    send("person", { conversation, record: el.closest(".turn").dataset.record });
    toast("A person will look at this.");
  },
  retry: (el) => again(el.closest(".turn")),
  edit: (el) => composer.edit(el.closest(".turn")),
  "cancel-edit": () => composer.cancelEdit(),
  "close-panel": () => closePanel(),
  logout,
};

document.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  const cite = event.target.closest?.(".cite, .open-source");
  if (cite) { event.preventDefault(); openSource(cite.dataset.turn, cite.dataset.marker, true, cite); return; }
  const el = event.target.closest?.("[data-act]");
  if (!el || !acts[el.dataset.act]) return;
  event.preventDefault();
  acts[el.dataset.act](el);
});

document.addEventListener("keydown", (event) => {
  if (event.isComposing || document.querySelector("dialog[open]")) return;
  const typing = event.target.closest?.("input, textarea, [contenteditable]");
  if (event.key === "Escape") {
    if (answering) stop();
    else if (root.classList.contains("menu-open")) { menu(false); $("menu").focus(); }
    else if (panelOpen()) closePanel();
    else composer?.cancelEdit();
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    $("question").focus();
  } else if (event.key === " " && event.target.matches?.(".cite, .open-source")) {
    event.preventDefault();
    event.target.click();
  }
});

addEventListener("popstate", () => {
  if (send) open(new URLSearchParams(location.search).get("c") || "", false);
});
