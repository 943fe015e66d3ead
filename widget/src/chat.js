// The chat: a button, a panel with the conversation and a line to write in, in a shadow root.
import { tint } from "./colour.js";
import { Door } from "./door.js";
import { el, icon, iconButton } from "./dom.js";
import { Store } from "./store.js";
import { STYLE } from "./style.js";
import { TurnView, sourceView } from "./turn.js";

const LONGEST = 2000;
const [SOON, LATE] = [4_000, 60_000]; // how often to look for a reviewer's answer, in ms
const NARROW = "(max-width: 520px)";

/** Scrolls a box of ours to an element in it. `scrollIntoView` would move the website's page as well. */
function scrollTo(box, node, above) {
  box.scrollTop += node.getBoundingClientRect().top - box.getBoundingClientRect().top - above;
}

export class Chat {
  #options;
  #labels;
  #door;
  #store;
  #turns = [];
  #versions = {};
  #busy = false;
  #ready = null;
  #timer = 0;
  #wait = SOON;
  #examples = [];

  constructor(options) {
    this.#options = options;
    this.#labels = options.labels;
    this.#door = new Door(options.api);
    this.#store = new Store(options.key);
  }

  /** Puts it at the end of `parent`. Nothing is asked of the server until it is opened, or unless an
   *  answer was still waited for when the reader left. */
  mount(parent) {
    const { position, key } = this.#options;
    this.host = el("countersign-chat", { "data-key": key, "data-position": position, lang: this.#labels.unit });
    this.root = this.host.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet(); // not an element: a page's content policy would refuse that
    sheet.replaceSync(STYLE);
    this.root.adoptedStyleSheets = [sheet];
    this.root.append(this.#launcher(), this.#panel());
    parent.append(this.host);
    this.#theme();
    document.addEventListener("visibilitychange", () => document.hidden || this.#look());
    const open = this.#store.get("open") || (this.#options.opened ? "yes" : "no");
    if (open === "yes" && !matchMedia(NARROW).matches) this.#show(false);
    else if (this.#store.get("waiting")) this.#begin();
  }

  #launcher() {
    this.badge = el("span", { class: "badge", hidden: true });
    this.launcher = el(
      "button",
      { type: "button", class: "launcher", "aria-label": this.#labels.open, "aria-expanded": "false", onclick: () => this.#toggle() },
      icon("chat"), this.badge,
    );
    return this.launcher;
  }

  #panel() {
    const labels = this.#labels;
    this.heading = el("h2", {}, this.#options.title || labels.title);
    this.log = el("div", { class: "log", role: "log", "aria-label": labels.log, tabindex: "0" });
    this.field = el("textarea", {
      rows: "1", maxlength: String(LONGEST), placeholder: this.#options.placeholder, "aria-label": this.#options.placeholder,
      oninput: () => this.#grow(), onkeydown: (event) => this.#key(event),
    });
    this.send = iconButton("send", labels.send, () => (this.#busy ? this.#stop() : this.#ask(this.field.value)), { class: "send" });
    this.main = el("div", { class: "main" }, this.log, el("div", { class: "composer" }, this.field, this.send));
    this.panel = el(
      "div", { class: "panel", role: "dialog", "aria-label": this.#options.title || labels.title, hidden: true, onkeydown: (event) => this.#escape(event) },
      el(
        "header", {}, this.heading,
        iconButton("plus", labels.fresh, () => this.#fresh()), iconButton("fold", labels.close, () => this.#hide()),
      ),
      this.main,
    );
    return this.panel;
  }

  #theme() {
    const system = matchMedia("(prefers-color-scheme: dark)");
    const apply = () => {
      const dark = this.#options.theme === "dark" || (this.#options.theme === "auto" && system.matches);
      this.host.dataset.theme = dark ? "dark" : "light";
      tint(this.host, this.#options.accent, dark);
    };
    system.addEventListener("change", apply);
    apply();
  }

  // Open and closed

  #toggle() {
    if (this.panel.hidden) this.#show();
    else this.#hide();
  }

  async #show(focus = true) {
    this.panel.hidden = false;
    this.badge.hidden = true;
    this.#expanded(true);
    if (focus) this.field.focus();
    if (await this.#begin()) this.#draw();
  }

  #hide() {
    this.panel.hidden = true;
    this.#expanded(false);
    this.launcher.focus();
  }

  #expanded(open) {
    this.#store.set("open", open ? "yes" : "no");
    this.host.toggleAttribute("data-open", open);
    this.launcher.setAttribute("aria-expanded", String(open));
    this.launcher.setAttribute("aria-label", open ? this.#labels.close : this.#labels.open);
    this.launcher.firstChild.replaceWith(icon(open ? "fold" : "chat"));
  }

  #escape(event) {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    if (this.source) this.#back();
    else this.#hide();
  }

  // The server

  /** Says hello once: a token, and the conversation as it stands. Gives whether that worked. */
  async #begin() {
    this.#ready ??= this.#hello().then(() => true, (error) => this.#unreachable(error));
    return this.#ready;
  }

  async #hello() {
    const { collection } = this.#options;
    const hello = await this.#door.call("start", { token: this.#store.get("token"), collection });
    this.#store.set("token", hello.token);
    this.#examples = hello.examples;
    if (!this.#options.title) this.heading.textContent = hello.title;
    await this.#load({});
  }

  #unreachable(error) {
    this.#ready = null;
    const again = () => this.#begin().then((ok) => ok && this.#draw());
    this.log.replaceChildren(el(
      "div", { class: "away", role: "alert" }, el("p", {}, error.message || this.#labels.away),
      el("button", { type: "button", class: "plain", onclick: again }, this.#labels.again),
    ));
    return false;
  }

  /** Reads the conversation; gives whether anything has changed since `known`. */
  async #load(known) {
    const found = await this.#door.call("history", { ...this.#who(), conversation: this.#store.get("conversation"), known });
    this.#versions = found.versions;
    if (found.turns === null) return false;
    if (!found.turns.length) this.#store.set("conversation", "");
    this.#turns = found.turns.map((turn) => new TurnView(turn, this.#labels, this.#acts()));
    this.#watch();
    return true;
  }

  #who() {
    return { token: this.#store.get("token"), collection: this.#options.collection };
  }

  /** Looks again later while a reviewer's answer may come: soon at first, then more rarely. */
  #watch() {
    const waiting = this.#turns.some((view) => view.turn.open);
    this.#store.set("waiting", waiting);
    clearTimeout(this.#timer);
    if (waiting) this.#timer = setTimeout(() => this.#look(), this.#wait);
    else this.#wait = SOON;
  }

  async #look() {
    if (!this.#store.get("waiting") || this.#busy || document.hidden || !this.#ready) return;
    this.#wait = Math.min(this.#wait * 1.4, LATE);
    const writing = this.root.activeElement?.closest("form"); // a reply is being written
    try {
      if (!writing && (await this.#load(this.#versions))) {
        this.#wait = SOON;
        this.#draw();
        if (this.panel.hidden) this.#news();
      }
    } catch {
      // It is tried again.
    }
    this.#watch();
  }

  #news() {
    this.badge.hidden = false;
    this.launcher.setAttribute("aria-label", `${this.#labels.open}: ${this.#labels.news}`);
  }

  // The conversation

  #draw() {
    const views = this.#turns.map((view) => view.node);
    this.log.replaceChildren(...(views.length ? views : [this.#welcome()]));
    this.log.scrollTop = this.log.scrollHeight;
  }

  #welcome() {
    const { greeting } = this.#options;
    const items = this.#examples.map((words) => el("li", {}, el("button", { type: "button", class: "example", onclick: () => this.#ask(words) }, words)));
    return el(
      "div", { class: "welcome" }, el("p", {}, greeting),
      items.length > 0 && el("h3", {}, this.#labels.examples), items.length > 0 && el("ul", {}, items),
    );
  }

  #acts() {
    return {
      source: (source, from) => source && this.#open(source, from),
      rate: async (view, value) => {
        view.update({ ...view.turn, rating: value });
        view.parts.actions.children[value === -1 ? 1 : 0]?.focus();
        await this.#door.call("rate", { token: this.#store.get("token"), record: view.turn.record, value }).catch(() => {});
      },
      withdraw: (turn) => this.#tell(turn, "withdraw", ""),
      reply: (turn, text) => this.#tell(turn, "reply", text),
    };
  }

  async #tell(turn, act, text) {
    try {
      await this.#door.call("tell", { token: this.#store.get("token"), record: turn.record, act, text });
      this.root.activeElement?.blur();
      await this.#load({});
      this.#draw();
    } catch (error) {
      this.#problem(error);
    }
    this.field.focus();
  }

  async #ask(words) {
    const question = words.trim();
    if (!question || this.#busy) return;
    this.#working(true);
    this.field.value = "";
    this.#grow();
    let view = null;
    try {
      if (!(await this.#begin())) throw new Error(this.#labels.away);
      const data = { ...this.#who(), conversation: this.#store.get("conversation"), question };
      for await (const turn of this.#door.stream("ask", data)) {
        if (view) view.update(turn);
        else view = this.#added(turn);
        if (turn.conversation) this.#store.set("conversation", turn.conversation);
        this.#follow(view);
      }
      if (view?.turn.open) await this.#load({}).then((changed) => changed && this.#draw());
    } catch (error) {
      // What was shown until then stays: it has been through the gate.
      if (view) view.update({ ...view.turn, phase: "failed", kind: "failed", message: error.message || this.#labels.away });
      else this.#problem(error);
      if (!view) this.field.value = question;
    }
    this.#working(false);
    this.#watch();
  }

  #added(turn) {
    const view = new TurnView(turn, this.#labels, this.#acts());
    if (!this.#turns.length) this.log.replaceChildren();
    this.#turns.push(view);
    this.log.append(view.node);
    scrollTo(this.log, view.node, 12);
    return view;
  }

  /** Keeps the newest words in sight, but never scrolls the question itself away. */
  #follow(view) {
    const room = this.log.getBoundingClientRect(), turn = view.node.getBoundingClientRect();
    const below = turn.bottom - room.bottom;
    if (below > 0) this.log.scrollTop += Math.min(below + 16, Math.max(0, turn.top - room.top - 12));
  }

  #problem(error) {
    this.log.append(el("p", { class: "problem", role: "alert" }, error.message || this.#labels.away));
    this.log.scrollTop = this.log.scrollHeight;
  }

  async #stop() {
    const conversation = this.#store.get("conversation");
    await this.#door.call("stop", { token: this.#store.get("token"), conversation }).catch(() => {});
  }

  #working(busy) {
    this.#busy = busy;
    const name = busy ? this.#labels.stop : this.#labels.send;
    this.send.setAttribute("aria-label", name);
    this.send.title = name;
    this.send.firstChild.replaceWith(icon(busy ? "stop" : "send"));
    this.host.toggleAttribute("data-busy", busy);
  }

  #fresh() {
    if (this.#busy) return;
    if (this.source) this.#back();
    this.#store.set("conversation", "");
    this.#turns = [];
    this.#versions = {};
    this.#watch();
    if (this.#ready) this.#draw();
    this.field.focus();
  }

  // The passage behind a marker

  #open(source, from) {
    this.source = sourceView(source, this.#labels, () => this.#back());
    this.from = from;
    this.main.hidden = true;
    this.panel.append(this.source);
    this.source.querySelector("button").focus();
    const body = this.source.querySelector(".source-body");
    scrollTo(body, body.querySelector(".passage mark") ?? body.firstChild, body.clientHeight / 3);
  }

  #back() {
    this.source.remove();
    this.source = null;
    this.main.hidden = false;
    this.from?.focus();
  }

  // The line to write in

  #grow() {
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, 132)}px`;
  }

  #key(event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      this.#ask(this.field.value);
    }
  }
}
