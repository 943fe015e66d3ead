// Keys, the filters that apply as they are chosen, the theme. The page works without this, too.

import { nextTheme, paintTheme } from "/ui/theme_button.js";

const form = document.getElementById("label");
const help = document.getElementById("help");
const answer = form?.elements.answer;
const writing = () => document.activeElement?.matches("input:not([type=radio]), textarea, select");

function go(step) {
  const rows = [...document.querySelectorAll(".row")];
  const at = rows.findIndex((row) => row.hasAttribute("aria-current"));
  rows[at < 0 ? 0 : at + step]?.click();
}

// Where no passage holds it there is nothing to write.
function settle() {
  if (form) answer.readOnly = form.elements.marker.value === "0";
}

function choose(n) {
  const radio = form?.querySelector(`[name=marker][value="${n}"]`);
  if (!radio) return;
  radio.checked = true;
  radio.focus();
  settle();
}

const KEYS = {
  j: () => go(1), k: () => go(-1), e: () => answer?.focus(), u: () => document.getElementById("back").click(),
  "/": () => document.getElementById("search").focus(), "?": () => help.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && form) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.key === "Escape" && writing()) {
    document.activeElement.blur();
  } else if (!writing() && !event.ctrlKey && !event.metaKey && !event.altKey && !help.open) {
    const act = KEYS[event.key] ?? (/^\d$/.test(event.key) ? () => choose(event.key) : null);
    if (act) { event.preventDefault(); act(); }
  }
});

document.addEventListener("click", (event) => {
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (act === "help") help.showModal();
  if (act === "theme") nextTheme();
});
document.getElementById("sift").addEventListener("change", (event) => {
  if (event.target.matches("select")) event.currentTarget.requestSubmit();
});
form?.addEventListener("change", settle);
form?.addEventListener("submit", () => { form.querySelector("[type=submit]").disabled = true; });
addEventListener("pageshow", () => { form?.querySelector("[type=submit]")?.removeAttribute("disabled"); });

settle();
paintTheme();
if (form?.querySelector(".problem").textContent) (answer.readOnly ? form : answer).scrollIntoView({ block: "center" });
document.querySelector(".row[aria-current]")?.scrollIntoView({ block: "nearest" });
document.documentElement.classList.add("up");
