// One question and what came of it, as elements. Its parts are made once and changed in place.
import { el, icon, iconButton, nodes, patch } from "./dom.js";
import { spoken } from "./labels.js";

const CARD_ICONS = { held: "held", closed: "none", recalled: "alert", "not-found": "none", refused: "none" };

export class TurnView {
  #labels;
  #acts;
  #answer = [];
  #shown = {};

  /** `acts`: what a reader can do: source(source, marker button), rate, withdraw, reply. */
  constructor(turn, labels, acts) {
    this.#labels = labels;
    this.#acts = acts;
    this.parts = Object.fromEntries(
      ["notices", "answer", "outcome", "progress", "sources", "actions"].map((name) => [name, el("div", { class: name })]),
    );
    this.node = el(
      "article", { class: "turn", "aria-label": turn.question },
      el("p", { class: "question" }, el("span", { class: "unseen" }, `${labels.you}: `), turn.question),
      Object.values(this.parts),
    );
    this.update(turn);
  }

  update(turn) {
    this.turn = turn;
    this.node.dataset.phase = turn.phase;
    this.node.dataset.kind = turn.kind;
    patch(this.parts.answer, this.#answer, turn.answer, (marker) => this.#cite(marker));
    this.#answer = turn.answer;
    this.#slot("notices", [turn.notices, turn.signed], () => this.#notices());
    this.#slot("outcome", [turn.kind, turn.phase, turn.state, turn.message, turn.asked, turn.withdrawn, turn.helpline], () => this.#outcome());
    this.#slot("progress", [turn.phase, turn.ahead], () => this.#progress());
    this.#slot("sources", [this.#working, turn.sources.map((s) => s.marker)], () => this.#sources());
    this.#slot("actions", [this.#working, turn.record, turn.rating, turn.answer.length > 0], () => this.#actions());
  }

  get #working() {
    return ["searching", "reading", "writing"].includes(this.turn.phase);
  }

  /** Draws a part anew where what it is made from has changed. */
  #slot(name, from, draw) {
    const key = JSON.stringify(from);
    if (this.#shown[name] === key) return;
    this.#shown[name] = key;
    this.parts[name].replaceChildren(...draw().filter(Boolean));
  }

  #cite(marker) {
    const source = () => this.turn.sources.find((s) => s.marker === marker);
    const found = source();
    const name = `${this.#labels.source} ${marker}${found ? `: ${found.title}, ${found.place}` : ""}`;
    const open = (event) => {
      if (event.type === "keydown" && !["Enter", " "].includes(event.key)) return;
      event.preventDefault();
      this.#acts.source(source(), event.currentTarget);
    };
    // No button element: that could not stay on the line of the word before it.
    const made = el(
      "span", { class: "cite", role: "button", tabindex: "0", "aria-label": name, title: name, onclick: open, onkeydown: open },
      String(marker),
    );
    return el("span", {}, "\u2060", made);
  }

  #notices() {
    const { notices, signed } = this.turn;
    return [
      signed && el("p", { class: "signed" }, icon("check"), this.#labels.signed),
      ...notices.map((words) => el("p", { class: "notice" }, words)),
    ];
  }

  #progress() {
    if (!this.#working) return [];
    const { ahead, phase } = this.turn;
    const words = ahead ? this.#labels.ahead.replace("{n}", ahead) : this.#labels[phase];
    return [el("span", { class: "pulse", "aria-hidden": "true" }), el("span", {}, words)];
  }

  #sources() {
    if (this.#working || !this.turn.sources.length) return [];
    const chips = this.turn.sources.map((source) => el("li", {}, el(
      "button",
      {
        type: "button", class: "chip", onclick: (event) => this.#acts.source(source, event.currentTarget),
        "aria-label": `${this.#labels.source} ${source.marker}: ${source.title}, ${source.place}`,
      },
      el("span", { class: "number" }, String(source.marker)),
      el("span", { class: "name" }, source.title),
      el("span", { class: "where" }, source.place),
    )));
    return [el("ul", { class: "chips", "aria-label": this.#labels.sources }, chips)];
  }

  #actions() {
    const { record, rating, answer } = this.turn;
    if (this.#working || !record || !answer.length) return [];
    return [["up", 1], ["down", -1]].map(([name, value]) => iconButton(
      name, this.#labels[name], () => this.#acts.rate(this, rating === value ? 0 : value),
      { "aria-pressed": String(rating === value) },
    ));
  }

  #outcome() {
    const { turn } = this, labels = this.#labels;
    const parts = [];
    if (turn.withdrawn) {
      parts.push(el("div", { class: "retracted" }, el("p", {}, labels.retracted), el("del", {}, turn.withdrawn)));
    }
    if (turn.phase === "stopped") parts.push(el("p", { class: "quiet-note" }, labels.stopped));
    else if (turn.kind) parts.push(this.#card());
    return parts;
  }

  #card() {
    const { turn } = this, labels = this.#labels;
    const inside = turn.state && ["held", "closed"].includes(turn.kind) ? this.#desk() : [
      el("p", {}, turn.message || labels[`said_${turn.kind}`] || ""),
      turn.remedy && el("p", { class: "remedy" }, turn.remedy),
    ];
    return el(
      "section", { class: `card ${turn.kind}`, "aria-label": labels[turn.kind] },
      el("span", { class: "card-icon" }, icon(CARD_ICONS[turn.kind] ?? "alert")),
      el("div", {}, el("h3", {}, labels[turn.kind]), inside),
    );
  }

  /** The inside of a held turn's card: help at once, why, how it stands, what can be done meanwhile. */
  #desk() {
    const { turn } = this, labels = this.#labels;
    const lines = (text) => text.split("\n").filter((line) => line.trim()).map((line) => el("p", {}, line));
    const decided = ["approved", "edited", "rejected"].includes(turn.state);
    return [
      turn.helpline && el("div", { class: "helpline", role: "alert" }, lines(turn.helpline)),
      turn.reasons.length > 0 && el("p", {}, `${labels.why}: ${turn.reasons.map((r) => r.replace(/\.$/, "")).join("; ")}.`),
      el("p", {}, labels[turn.state] ?? ""),
      turn.open && turn.asked && this.#replyForm(lines(turn.asked)),
      turn.open && !turn.asked && !decided && el("p", { class: "wait" }, labels.wait.replace("{time}", spoken(turn.minutes, labels.unit))),
      turn.open && el("button", { type: "button", class: "link", onclick: () => this.#acts.withdraw(turn) }, labels.withdraw),
    ];
  }

  #replyForm(asked) {
    const words = el("textarea", { rows: "3", maxlength: "4000", required: true, "aria-label": this.#labels.reply });
    const send = (event) => {
      event.preventDefault();
      if (words.value.trim()) this.#acts.reply(this.turn, words.value.trim());
    };
    return el(
      "form", { class: "reply", onsubmit: send }, el("blockquote", {}, asked), words,
      el("button", { type: "submit", class: "plain" }, this.#labels.reply_send),
    );
  }
}

/** The passage behind a marker, with what the answer rests on marked. */
export function sourceView(source, labels, onback) {
  return el(
    "section", { class: "source", "aria-label": `${labels.source} ${source.marker}: ${source.title}` },
    el("div", { class: "source-bar" }, iconButton("back", labels.back, onback), el("span", {}, `${labels.source} ${source.marker}`)),
    el(
      "div", { class: "source-body", tabindex: "0", role: "group", "aria-label": source.title },
      el("h3", {}, source.title), el("p", { class: "place" }, source.place),
      el("div", { class: "passage" }, nodes(source.passage, () => document.createTextNode(""))),
      el("p", { class: "legend" }, el("mark", { "aria-hidden": "true" }), labels.marked),
    ),
  );
}
