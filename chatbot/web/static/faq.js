// The FAQ works without this; it adds single keys: J and K in the list, A, E, S, R on an entry.
const rows = [...document.querySelectorAll("a.faq-row")];
const step = (by) => {
  const at = rows.indexOf(document.activeElement);
  const next = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by];
  if (next) next.focus();
};
const press = (key) => {
  const target = document.querySelector(`[data-key="${key}"]`);
  if (!target || target.disabled) return false;
  target.click();
  const field = target.closest("details")?.querySelector("input:not([type=hidden])");
  if (field && target.closest("details").open) field.focus();
  return true;
};
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && typing) {
    if (press("Enter")) event.preventDefault();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    if (typing) event.target.blur();
    else press("Escape");
    return;
  }
  if (typing) return;
  const key = event.key.toLowerCase();
  if (key === "j" || key === "k") step(key === "j" ? 1 : -1);
  else if (key === "/") document.querySelector("#q")?.focus();
  else if (!["a", "e", "s", "r", "u"].includes(key) || !press(key)) return;
  event.preventDefault();
});
// Half a text must not be lost by a slip.
const form = document.querySelector(".faq-form");
if (form) {
  let changed = false;
  form.addEventListener("input", () => { changed = true; });
  form.addEventListener("submit", () => { changed = false; });
  addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
}
