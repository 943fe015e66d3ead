// What is remembered between visits, in the embedding page's own storage: the token that says who
// asks, the conversation, whether something is still waited for, and whether the chat was left open
// ("yes", "no", or nothing as long as nobody has touched it).

export class Store {
  #key;
  #kept = { token: "", conversation: "", waiting: false, open: "" };

  constructor(key) {
    this.#key = key;
    try {
      const found = JSON.parse(localStorage.getItem(key) ?? "{}");
      for (const [name, value] of Object.entries(this.#kept)) {
        if (typeof found[name] === typeof value) this.#kept[name] = found[name];
      }
    } catch {
      // Storage is blocked, or holds something else: this visit remembers for itself.
    }
  }

  get(name) {
    return this.#kept[name];
  }

  set(name, value) {
    if (this.#kept[name] === value) return;
    this.#kept[name] = value;
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // As above.
    }
  }
}
