// The button that goes from one theme to the next: the machine's own, light, dark.

const root = document.documentElement;

export function paintTheme() {
  const theme = root.dataset.theme || "auto";
  const button = document.getElementById("theme");
  button.setAttribute("aria-label", `Theme: ${theme}`);
  button.title = `Theme: ${theme}`;
}

export function nextTheme() {
  const order = ["auto", "light", "dark"];
  root.dataset.theme = order[(order.indexOf(root.dataset.theme) + 1) % 3];
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* storage is switched off */ }
  paintTheme();
}
