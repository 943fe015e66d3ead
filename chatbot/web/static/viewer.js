// The page stands without this: it only moves the focus to the cited passage.
const passage = document.getElementById("passage");
if (passage) {
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const target = passage.querySelector("mark") || passage;
  passage.focus({ preventScroll: true });
  target.scrollIntoView({ block: "center", behavior: calm ? "auto" : "smooth" });
}
