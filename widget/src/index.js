// The entry: reads the script's attributes and puts the chat on the page.
import { Chat } from "./chat.js";
import { optionsOf } from "./options.js";

const script = document.currentScript;

function begin() {
  const options = optionsOf(script);
  if (document.querySelector(`countersign-chat[data-key="${CSS.escape(options.key)}"]`)) return;
  new Chat(options).mount(document.getElementById(options.target) ?? document.body);
}

if (script) {
  if (document.body) begin();
  else document.addEventListener("DOMContentLoaded", begin, { once: true });
}
