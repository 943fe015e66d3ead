// Which words are new and which are gone: the longest common subsequence of two texts' words.

const CUT = 1500; // words; more than that would be slow to compare on each keystroke

export function showDiff(place, before, after) {
  place.replaceChildren(...pieces(split(before), split(after)).map(([kind, text]) => {
    if (!kind) return document.createTextNode(text);
    const el = document.createElement(kind);
    el.textContent = text;
    return el;
  }));
  if (before === after) place.textContent = "Nothing is changed yet.";
}

// A word and the blanks after it are one piece, since blanks on their own would match anywhere; two
// words are the same whatever blanks follow them.
function split(text) { return text.match(/\s+|\S+\s*/g) || []; }
const same = (one, other) => one.trim() === other.trim();

function pieces(a, b) {
  let from = 0, endA = a.length, endB = b.length;
  while (from < endA && from < endB && same(a[from], b[from])) from++;
  while (endA > from && endB > from && same(a[endA - 1], b[endB - 1])) { endA--; endB--; }
  const middleA = a.slice(from, endA), middleB = b.slice(from, endB);
  const changed = middleA.length * middleB.length > CUT * CUT
    ? [["del", middleA.join("")], ["ins", middleB.join("")]] : compared(middleA, middleB);
  return joined([["", b.slice(0, from).join("")], ...changed, ["", b.slice(endB).join("")]]);
}

function compared(a, b) {
  const width = b.length + 1;
  const best = new Uint16Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      best[i * width + j] = same(a[i], b[j]) ? best[(i + 1) * width + j + 1] + 1
        : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
    }
  }
  const found = [];
  let i = 0, j = 0;
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && same(a[i], b[j])) { found.push(["", b[j]]); i++; j++; }
    else if (j >= b.length || (i < a.length && best[(i + 1) * width + j] >= best[i * width + j + 1])) {
      found.push(["del", a[i++]]);
    } else found.push(["ins", b[j++]]);
  }
  return found;
}

// Neighbours of one kind become one piece.
function joined(parts) {
  const out = [];
  for (const [kind, text] of parts) {
    if (!text) continue;
    const last = out[out.length - 1];
    if (last && last[0] === kind) last[1] += text;
    else out.push([kind, text]);
  }
  return out;
}
