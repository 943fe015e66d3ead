// The widget beside its controls: each change writes the line anew and starts the widget from it.

const form = document.getElementById("choices");
const stage = document.getElementById("stage");
const USUAL = { accent: "#14614f" };
const SETTLE_MS = 250;
let timer = 0;

const escape = (text) => text.replace(/[&"<>]/g, (c) => `&#${c.charCodeAt(0)};`);

function chosen() {
  const entries = [...new FormData(form)].map(([name, value]) => [name, value.trim()]);
  return entries.filter(([name, value]) => value && value !== USUAL[name]);
}

function write() {
  const said = chosen().map(([name, value]) => ` data-${name}="${escape(value)}"`).join("");
  document.getElementById("snippet").textContent = `<script src="${location.origin}/widget.js"${said} async></script>`;
}

function show() {
  stage.querySelectorAll("countersign-chat, script").forEach((old) => old.remove());
  const script = document.createElement("script");
  script.src = "/widget.js";
  for (const [name, value] of chosen()) script.dataset[name] = value;
  script.dataset.target = "stage";
  script.dataset.open = "";
  stage.append(script);
}

form.addEventListener("submit", (event) => event.preventDefault());
form.addEventListener("input", () => {
  write();
  clearTimeout(timer);
  timer = setTimeout(show, SETTLE_MS);
});

document.getElementById("copy").addEventListener("click", async () => {
  const text = document.getElementById("snippet").textContent;
  let done = true;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    done = false; // no permission, or no https: it can be copied by hand
    getSelection().selectAllChildren(document.getElementById("snippet"));
  }
  document.getElementById("copied").textContent = done ? "Copied" : "Selected: copy it with the keyboard";
});

write();
show();
