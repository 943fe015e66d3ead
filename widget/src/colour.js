// A website's accent, moved as little as it takes to be read: 4.5 to 1 against what lies behind it.

const channels = (colour) => colour.match(/^rgba?\((\d+), (\d+), (\d+)/)?.slice(1).map(Number);

const luminance = (rgb) => {
  const [r, g, b] = rgb.map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

const contrast = (a, b) => {
  const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
};

const mix = (a, b, share) => a.map((v, n) => Math.round(v * (1 - share) + b[n] * share));
const css = (rgb) => `rgb(${rgb.join(" ")})`;

/**
 * @param {HTMLElement} host where the colours are set; its theme's own are read from it.
 * @param {string} accent any colour that CSS knows; what is none leaves the theme's own.
 */
export function tint(host, accent, dark) {
  const read = (value) => {
    host.style.color = "";
    host.style.color = value;
    const found = host.style.color ? channels(getComputedStyle(host).color) : null;
    host.style.color = "";
    return found;
  };
  for (const name of ["--accent", "--accent-ink", "--accent-soft"]) host.style.removeProperty(name);
  let colour = accent && read(accent);
  if (!colour) return;
  const surface = dark ? [27, 31, 29] : [255, 255, 255];
  const away = dark ? [255, 255, 255] : [0, 0, 0];
  const soft = () => mix(surface, colour, 0.12);
  const grounds = () => [soft(), surface, dark ? [20, 23, 22] : [250, 249, 247]];
  for (let n = 0; n < 40 && Math.min(...grounds().map((g) => contrast(colour, g))) < 4.6; n++) {
    colour = mix(colour, away, 0.06);
  }
  const ink = contrast(colour, [255, 255, 255]) >= 4.5 ? [255, 255, 255] : [13, 20, 18];
  host.style.setProperty("--accent", css(colour));
  host.style.setProperty("--accent-ink", css(ink));
  host.style.setProperty("--accent-soft", css(soft()));
}
