// The sources panel: a copy of what stands, hidden, under the turn whose marker was activated.

const root = document.documentElement;
let from = null; // the marker that the focus goes back to
let at = null; // "turn/marker"

const panel = () => document.getElementById("panel");
export const panelOpen = () => panel() && !panel().hidden;

export function openSource(turn, marker, focus = true, opener = null) {
  const owner = document.querySelector(`.turn[data-turn="${turn}"]`);
  const evidence = owner?.querySelector(".evidence");
  if (!evidence?.querySelector(`[data-marker="${marker}"]`)) return;
  from = opener || owner.querySelector(`.cite[data-marker="${marker}"]`);
  at = `${turn}/${marker}`;
  const body = document.getElementById("panel-body");
  body.replaceChildren(...[...evidence.childNodes].map((node) => node.cloneNode(true)));
  body.dataset.turn = turn;
  panel().hidden = false;
  root.classList.add("panel-open");
  document.getElementById("shade").hidden = !matchMedia("(max-width: 1240px)").matches;
  history.replaceState(null, "", `${location.pathname}${location.search}#source-${turn}-${marker}`);
  select(marker);
  const summary = body.querySelector(`[data-marker="${marker}"] > summary`);
  if (focus) summary.focus({ preventScroll: true });
  reveal(body, marker);
}

// Opening a source closes the others, so that one passage at a time has the reader's attention.
function select(marker) {
  for (const source of document.querySelectorAll("#panel-body .source")) {
    source.open = source.dataset.marker === marker;
  }
  light();
}

function reveal(body, marker) {
  const source = body.querySelector(`[data-marker="${marker}"]`);
  const mark = source.querySelector("mark");
  const top = source.getBoundingClientRect().top - body.getBoundingClientRect().top + body.scrollTop;
  body.scrollTop = top - 4;
  if (mark && mark.getBoundingClientRect().bottom > body.getBoundingClientRect().bottom - 24) {
    mark.scrollIntoView({ block: "center" });
  }
}

// The marker whose source is shown looks pressed, here and in the list under the answer.
function light() {
  const [turn, marker] = at ? at.split("/") : [];
  for (const el of document.querySelectorAll(".cite, .chip")) {
    const on = Boolean(at) && el.dataset.turn === turn && el.dataset.marker === marker;
    if (el.classList.contains("active") !== on) el.classList.toggle("active", on);
  }
}

export function refreshPanel() {
  if (!panelOpen() || !at) return;
  const [turn] = at.split("/");
  if (!document.querySelector(`.turn[data-turn="${turn}"] .evidence .source`)) closePanel(false);
  else light();
}

export function closePanel(focus = true) {
  if (!panelOpen()) return;
  panel().hidden = true;
  at = null;
  root.classList.remove("panel-open");
  document.getElementById("shade").hidden = true;
  history.replaceState(null, "", location.pathname + location.search);
  light();
  if (focus && from?.isConnected) from.focus({ preventScroll: true });
  from = null;
}

document.addEventListener("click", (event) => {
  const summary = event.target.closest?.("#panel-body summary");
  if (!summary) return;
  const source = summary.parentElement;
  if (source.open) return; // the browser closes it
  event.preventDefault();
  const turn = document.getElementById("panel-body").dataset.turn;
  at = `${turn}/${source.dataset.marker}`;
  select(source.dataset.marker);
  history.replaceState(null, "", `${location.pathname}${location.search}#source-${turn}-${source.dataset.marker}`);
});
