// Asks the server how it is: often while it starts, seldom afterwards.

const WORDS = { ready: "Ready", loading: "Starting…", empty: "No documents yet", failed: "Not working", away: "Offline" };

export function health(place, onChange) {
  const words = place.querySelector(".state-text");

  async function look() {
    let state = "away", detail = "";
    try {
      const answer = await (await fetch("/healthz", { cache: "no-store" })).json();
      state = answer.state;
      detail = answer.parts.filter((part) => part.state !== "ready")
        .map((part) => `${part.name}: ${part.detail || part.state}`).join("\n");
    } catch { /* the server is not there: "away" says so */ }
    const before = place.dataset.state;
    place.dataset.state = state;
    if (words.textContent !== WORDS[state]) words.textContent = WORDS[state] || state;
    place.title = detail || "All parts are ready";
    if (state !== before) onChange(state);
    setTimeout(look, state === "ready" ? 30000 : 2000);
  }
  look();
}
