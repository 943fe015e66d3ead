// What a website says about its chat, in the script's data-attributes.
import { labelsFor } from "./labels.js";

const pick = (value, known) => (known.includes(value) ? value : known[0]);

/**
 * @param {HTMLScriptElement} script
 * @returns where the server is, what may be searched, how it looks and what it says.
 */
export function optionsOf(script) {
  const said = script.dataset;
  const base = new URL(".", script.src).href;
  const collection = (said.collection ?? "").trim();
  const language = said.lang || document.documentElement.lang || "en";
  const labels = labelsFor(language);
  return {
    api: `${base}widget`,
    collection,
    key: `countersign:${base}:${collection}`,
    theme: pick(said.theme, ["auto", "light", "dark"]),
    position: pick(said.position, ["right", "left"]),
    accent: said.accent ?? "",
    title: said.title ?? "",
    placeholder: said.placeholder || labels.placeholder,
    greeting: said.greeting || labels.greeting,
    opened: said.open !== undefined,
    target: said.target ?? "",
    labels,
  };
}
