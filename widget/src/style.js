// The chat page's colours and type (chatbot/web/static/base.css), for a small room.

export const STYLE = `
:host {
  all: initial; position: fixed; z-index: 2147483000; inset: auto 20px 20px auto; color-scheme: light;
  --ground: #faf9f7; --surface: #fff; --sunken: #f2f1ed; --line: #e4e2dc; --line-strong: #8f8d86;
  --ink: #1c2321; --ink-2: #56605c; --ink-3: #68716d;
  --accent: #14614f; --accent-ink: #fff; --accent-soft: #e3efeb; --mark: #ffeca6;
  --held: #8a5a00; --held-soft: #fdf5e2; --held-line: #ecd9a8; --bad: #a32d22; --bad-soft: #fcefed; --bad-line: #edcbc6;
  --shadow: 0 2px 6px rgb(30 30 20 / 8%), 0 18px 56px rgb(30 30 20 / 18%);
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
  font: 400 15px/1.6 var(--sans); color: var(--ink); -webkit-font-smoothing: antialiased; text-align: left;
}
:host([data-position="left"]) { inset: auto auto 20px 20px; }
:host([data-theme="dark"]) {
  color-scheme: dark;
  --ground: #141716; --surface: #1b1f1d; --sunken: #222725; --line: #2e3431; --line-strong: #727b76;
  --ink: #e8ebe8; --ink-2: #a9b2ad; --ink-3: #919a95;
  --accent: #7cc9b1; --accent-ink: #0d231c; --accent-soft: #20352e; --mark: #5c4a0f;
  --held: #e3b75c; --held-soft: #2a2416; --held-line: #4b3f22; --bad: #f09a8f; --bad-soft: #2d1d1b; --bad-line: #54302c;
  --shadow: 0 2px 6px rgb(0 0 0 / 40%), 0 18px 56px rgb(0 0 0 / 55%);
}
*, *::before, *::after { box-sizing: border-box; }
h2, h3, h4, p, ul, ol, blockquote { margin: 0; padding: 0; font: inherit; }
ul, ol { list-style: none; }
button, textarea { font: inherit; color: inherit; letter-spacing: inherit; }
button { cursor: pointer; background: none; border: 0; padding: 0; }
[hidden] { display: none !important; }
svg { display: block; width: 18px; height: 18px; flex: none; }
:focus { outline: none; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 6px; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.launcher {
  position: relative; display: grid; place-items: center; width: 56px; height: 56px; margin-left: auto; border-radius: 50%;
  background: var(--accent); color: var(--accent-ink); box-shadow: var(--shadow); transition: transform .16s ease;
}
:host([data-position="left"]) .launcher { margin: 0; }
.launcher:hover { transform: translateY(-2px); }
.launcher:focus-visible { border-radius: 50%; outline-offset: 3px; }
.launcher svg { width: 25px; height: 25px; }
.badge { position: absolute; top: 2px; right: 2px; width: 14px; height: 14px; border-radius: 50%; background: #d14b3d; border: 2px solid var(--surface); }

.panel {
  position: fixed; right: 20px; bottom: 88px; width: 400px; height: min(660px, calc(100% - 108px));
  display: flex; flex-direction: column; overflow: clip; border-radius: 18px; border: 1px solid var(--line);
  background: var(--ground); box-shadow: var(--shadow); animation: rise .18s ease-out;
}
:host([data-position="left"]) .panel { right: auto; left: 20px; }
@keyframes rise { from { opacity: 0; transform: translateY(8px); } }
header { display: flex; align-items: center; gap: 4px; height: 56px; padding: 0 12px 0 20px; border-bottom: 1px solid var(--line); flex: none; }
header h2 { flex: 1; min-width: 0; font-size: 15.5px; font-weight: 630; letter-spacing: -.01em; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; }
.quiet { display: inline-grid; place-items: center; width: 34px; height: 34px; border-radius: 9px; color: var(--ink-2); flex: none; }
.quiet:hover { background: var(--sunken); color: var(--ink); }
.quiet[aria-pressed="true"] { color: var(--accent); background: var(--accent-soft); }
.main { flex: 1; min-height: 0; display: flex; flex-direction: column; }
.log { flex: 1; min-height: 0; overflow-y: auto; overscroll-behavior: contain; padding: 20px; scrollbar-width: thin; scroll-padding: 12px; }
.log:focus-visible, .source-body:focus-visible { outline-offset: -3px; }

.welcome { display: flex; flex-direction: column; min-height: 100%; justify-content: flex-end; }
.welcome > p { font-size: 19px; line-height: 1.42; font-weight: 600; letter-spacing: -.012em; max-width: 19em; margin-bottom: auto; }
.welcome h3 { margin: 28px 0 8px; font-size: 12.5px; font-weight: 600; color: var(--ink-3); }
.welcome li + li { margin-top: 8px; }
.example { width: 100%; padding: 10px 14px; border: 1px solid var(--line); border-radius: 12px; background: var(--surface); text-align: left; font-size: 14.5px; line-height: 1.45; }
.example:hover { border-color: var(--accent); }

.turn + .turn { margin-top: 30px; padding-top: 0; }
.question { width: fit-content; max-width: 88%; margin: 0 0 14px auto; padding: 9px 14px; border-radius: 16px 16px 4px 16px; background: var(--accent-soft); font-weight: 550; line-height: 1.45; white-space: pre-wrap; overflow-wrap: anywhere; }
.answer { overflow-wrap: anywhere; line-height: 1.65; }
.answer > * + * { margin-top: .65em; }
.answer ul, .answer ol { padding-left: 1.3em; }
.answer ul { list-style: disc; }
.answer ol { list-style: decimal; }
.answer li + li { margin-top: .25em; }
.answer li::marker { color: var(--ink-3); }
.answer strong, .answer h4 { font-weight: 640; }
.answer table, .passage table { border-collapse: collapse; width: 100%; font-size: .92em; font-variant-numeric: tabular-nums; }
.answer th, .answer td, .passage td { padding: 6px 10px 6px 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
.answer blockquote { padding-left: 14px; border-left: 2px solid var(--line-strong); color: var(--ink-2); }
pre { overflow-x: auto; margin: .6em 0; padding: 10px 12px; border-radius: 8px; background: var(--sunken); white-space: pre-wrap; }
code { font: 400 .9em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
[data-phase="writing"] .answer > :last-child { animation: show .3s ease-out; }
@keyframes show { from { opacity: .25; } }

.cite { cursor: pointer; padding: .2em .5em; margin: 0 .06em 0 .2em; border-radius: 6px; background: var(--accent-soft); color: var(--accent); font-size: 11px; font-weight: 650; line-height: 1; vertical-align: .14em; font-variant-numeric: tabular-nums; }
.cite:hover { background: var(--accent); color: var(--accent-ink); }
.chips { display: flex; flex-direction: column; gap: 6px; margin-top: 14px; }
.chip { display: flex; align-items: center; gap: 8px; width: 100%; padding: 6px 12px 6px 6px; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); font-size: 13px; line-height: 1.4; text-align: left; }
.chip:hover { border-color: var(--accent); }
.number { display: inline-grid; place-items: center; min-width: 22px; height: 22px; border-radius: 6px; background: var(--accent-soft); color: var(--accent); font-size: 11.5px; font-weight: 650; flex: none; }
.chip .name { font-weight: 570; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; flex: 0 1 auto; min-width: 0; }
.chip .where { color: var(--ink-3); white-space: nowrap; overflow: hidden; text-overflow: ellipsis; flex: 0 3 auto; min-width: 0; }
.actions { display: flex; gap: 2px; margin: 8px 0 0 -8px; }
.actions:empty, .notices:empty, .progress:empty, .outcome:empty, .answer:empty { display: none; }
.actions .quiet { color: var(--ink-3); }
.actions .quiet[aria-pressed="true"] { color: var(--accent); }
.notice { margin-bottom: 10px; padding-left: 12px; border-left: 2px solid var(--line-strong); color: var(--ink-2); font-size: 14px; line-height: 1.5; }
.signed { display: flex; align-items: center; gap: 8px; width: fit-content; margin-bottom: 10px; padding: 5px 12px 5px 8px; border-radius: 9px; background: var(--accent-soft); color: var(--accent); font-size: 13.5px; font-weight: 570; line-height: 1.4; }
.signed svg { width: 16px; height: 16px; }
.progress { display: flex; align-items: center; gap: 10px; color: var(--ink-3); font-size: 14px; }
.answer:not(:empty) ~ .progress { margin-top: 10px; }
.pulse { width: 8px; height: 8px; border-radius: 50%; background: var(--accent); animation: breathe 1.2s ease-in-out infinite; }
@keyframes breathe { 50% { opacity: .3; } }
.quiet-note { color: var(--ink-3); font-size: 14px; }

.card { display: flex; gap: 12px; padding: 14px 16px 16px 14px; border: 1px solid var(--line); border-radius: 14px; background: var(--surface); }
.card-icon { display: grid; place-items: center; width: 34px; height: 34px; border-radius: 10px; background: var(--sunken); color: var(--ink-2); flex: none; }
.card > div { flex: 1; min-width: 0; }
.card h3 { font-weight: 630; line-height: 1.45; margin-top: 4px; }
.card p { margin-top: 4px; color: var(--ink-2); font-size: 14.5px; line-height: 1.55; overflow-wrap: anywhere; }
.card.held { background: var(--held-soft); border-color: var(--held-line); }
.card.held .card-icon { background: var(--surface); color: var(--held); }
.card.failed, .card.recalled { background: var(--bad-soft); border-color: var(--bad-line); }
.card.failed .card-icon, .card.recalled .card-icon { background: var(--surface); color: var(--bad); }
.helpline { margin: 10px 0 4px; padding: 10px 14px; border-left: 3px solid var(--held); border-radius: 0 10px 10px 0; background: var(--surface); }
.card .helpline p { margin: 0; color: var(--ink); font-weight: 550; }
.card blockquote { margin: 10px 0; padding-left: 12px; border-left: 3px solid var(--held-line); }
.reply textarea { width: 100%; padding: 9px 12px; border: 1px solid var(--line-strong); border-radius: 10px; background: var(--surface); resize: vertical; }
.plain { margin-top: 8px; padding: 6px 14px; border: 1px solid var(--line-strong); border-radius: 9px; background: var(--surface); font-size: 14px; font-weight: 570; }
.plain:hover { border-color: var(--accent); }
.link { margin-top: 10px; color: var(--ink-2); font-size: 13.5px; text-decoration: underline; text-underline-offset: 3px; }
.link:hover { color: var(--ink); }
.retracted { margin-bottom: 12px; color: var(--ink-3); font-size: 14px; }
.retracted p { color: var(--bad); font-weight: 550; }
.problem { margin-top: 14px; padding: 10px 14px; border: 1px solid var(--bad-line); border-radius: 10px; background: var(--bad-soft); color: var(--bad); font-size: 14px; }
.away { display: grid; gap: 10px; place-content: center; justify-items: center; min-height: 100%; text-align: center; color: var(--ink-2); }

.composer { display: flex; align-items: flex-end; gap: 8px; margin: 0 14px 14px; padding: 6px 6px 6px 14px; border: 1px solid var(--line-strong); border-radius: 16px; background: var(--surface); flex: none; }
.composer:focus-within { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); }
.composer textarea { flex: 1; min-width: 0; min-height: 36px; max-height: 132px; padding: 6px 0; border: 0; background: none; resize: none; line-height: 1.55; font-size: 16px; }
.composer textarea:focus-visible { outline: none; }
.composer textarea::placeholder { color: var(--ink-3); opacity: 1; }
.send { display: grid; place-items: center; width: 36px; height: 36px; border-radius: 11px; background: var(--accent); color: var(--accent-ink); flex: none; }

.source { flex: 1; min-height: 0; display: flex; flex-direction: column; animation: rise .16s ease-out; }
.source-bar { display: flex; align-items: center; gap: 6px; padding: 10px 12px 6px; color: var(--ink-2); font-size: 14px; font-weight: 570; flex: none; }
.source-body { flex: 1; min-height: 0; overflow-y: auto; padding: 4px 20px 24px; overflow-wrap: anywhere; }
.source h3 { font-size: 18px; font-weight: 640; line-height: 1.35; letter-spacing: -.012em; }
.place { margin: 2px 0 14px; color: var(--ink-3); font-size: 13.5px; }
.passage { padding: 16px 18px; border: 1px solid var(--line); border-radius: 14px; background: var(--surface); line-height: 1.65; overflow-x: auto; }
.passage p + p { margin-top: .6em; }
mark { background: var(--mark); color: inherit; padding: .1em .12em; margin: 0 -.12em; border-radius: 3px; box-decoration-break: clone; -webkit-box-decoration-break: clone; }
.legend { margin-top: 12px; color: var(--ink-3); font-size: 13px; }
.legend mark { margin: 0 .4em 0 0; padding: 0 .7em; }

@media (max-width: 520px) {
  :host([data-open]) .launcher { display: none; }
  .panel, :host([data-position="left"]) .panel { inset: 0; width: auto; height: auto; border: 0; border-radius: 0; }
}
@media (prefers-reduced-motion: reduce) { *, *::before, *::after { animation: none !important; transition: none !important; } }
@media (forced-colors: active) { .launcher, .send, .cite, .number { border: 1px solid; } mark { background: Mark; color: MarkText; } }
@media print { :host { display: none; } }
`;
