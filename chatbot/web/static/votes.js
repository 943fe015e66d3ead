// One key is one vote. Which answer is whose, the server alone knows.

const SETTLE_MS = 500; // keys are deaf this long after a pair has appeared: it was not read yet
const KEYS = { 1: "left", ArrowLeft: "left", 2: "right", ArrowRight: "right", t: "tie", b: "bad" };
const form = document.getElementById("ballot");
let appeared = performance.now();
addEventListener("pageshow", () => { appeared = performance.now(); });

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (performance.now() - appeared < SETTLE_MS) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === "z") document.getElementById("again")?.click();
  const choice = KEYS[key];
  if (choice && form) {
    event.preventDefault();
    form.querySelector(`[value="${choice}"]`).click();
  }
});

document.addEventListener("click", (event) => {
  const cite = event.target.closest(".cite");
  const source = cite && document.querySelector(`.source[data-marker="${CSS.escape(cite.dataset.marker)}"]`);
  if (!source) return;
  event.preventDefault();
  source.open = true;
  source.scrollIntoView({ block: "center", behavior: "smooth" });
});
