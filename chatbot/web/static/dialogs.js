// Dialogs that answer with their form, or with null; and the short message at the bottom.

export function ask(id, { title = "", about = "" } = {}) {
  const dialog = document.getElementById(id);
  const form = dialog.querySelector("form");
  form.reset();
  if (form.elements.title) form.elements.title.value = title;
  const note = dialog.querySelector(".about");
  if (note) note.textContent = about;
  dialog.returnValue = "";
  dialog.showModal();
  form.elements.title?.select();
  const cancel = dialog.querySelector('[data-act="cancel-dialog"]');
  cancel.onclick = () => dialog.close("");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      resolve(dialog.returnValue === "yes" ? new FormData(form) : null);
    }, { once: true });
  });
}

let timer = 0;

export function toast(text) {
  const box = document.getElementById("toast");
  box.textContent = text;
  box.classList.add("on");
  clearTimeout(timer);
  timer = setTimeout(() => box.classList.remove("on"), 2600);
}
