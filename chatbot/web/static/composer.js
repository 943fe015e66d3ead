// The question box: grows with its text, counts when it gets long, and can hold an earlier question.

export class Composer {
  constructor(ask) {
    this.ask = ask;
    this.form = document.getElementById("composer");
    this.box = document.getElementById("question");
    this.send = document.getElementById("send");
    this.stop = document.getElementById("stop");
    this.counter = document.getElementById("counter");
    this.note = document.getElementById("editing");
    this.max = Number(this.box.dataset.max);
    this.keep = null;
    this.working = false;
    this.box.addEventListener("input", () => this.fit());
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) { event.preventDefault(); this.submit(); }
    });
    this.form.addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.fit();
  }

  submit() {
    const text = this.box.value.trim();
    if (!text || text.length > this.max || this.working) return;
    const keep = this.keep;
    this.cancelEdit();
    this.box.value = "";
    this.fit();
    this.ask(text, keep);
  }

  fit() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 200)}px`;
    const length = this.box.value.trim().length;
    const over = length > this.max;
    const near = length > this.max * 0.8;
    this.counter.textContent = over ? `${(length - this.max).toLocaleString("en")} characters too long`
      : near ? `${length.toLocaleString("en")} of ${this.max.toLocaleString("en")}` : "";
    this.counter.classList.toggle("over", over);
    this.send.disabled = !length || over;
  }

  busy(on) {
    this.working = on;
    this.send.hidden = on;
    this.stop.hidden = !on;
    const keys = matchMedia("(hover: hover)").matches;
    this.box.placeholder = on ? (keys ? "Esc stops the answer" : "Answering…") : "Ask a question";
    if (on && !keys) this.box.blur(); // the keyboard on the screen would hide the answer
  }

  edit(turn) {
    this.keep = Number(turn.dataset.turn);
    this.box.value = turn.querySelector(".question p").textContent;
    this.note.hidden = false;
    this.fit();
    this.box.focus();
    this.box.setSelectionRange(this.box.value.length, this.box.value.length);
  }

  cancelEdit() {
    if (this.keep === null) return;
    this.keep = null;
    this.note.hidden = true;
    this.box.value = "";
    this.fit();
  }

  giveBack(text) {
    if (this.box.value) return;
    this.box.value = text;
    this.fit();
  }

  focusUnlessTouch() {
    if (matchMedia("(hover: hover)").matches) this.box.focus({ preventScroll: true });
  }
}
