// Sets the remembered theme before the first paint, so that nothing flashes.
(() => {
  let theme = "auto";
  try { theme = localStorage.getItem("theme") || "auto"; } catch { /* storage is switched off */ }
  if (!["auto", "light", "dark"].includes(theme)) theme = "auto";
  document.documentElement.dataset.theme = theme;
})();
