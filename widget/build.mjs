// Builds ../chatbot/web/static/widget.js, or the file that is named: `npm run build -- FILE`.
import { build } from "esbuild";

await build({
  entryPoints: ["src/index.js"],
  outfile: process.argv[2] ?? "../chatbot/web/static/widget.js",
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* Countersign's widget, Apache-2.0; holds @gradio/client (ISC) and fetch-event-stream (MIT). Source: widget/ */" },
  define: {
    // The Gradio client would send the embedding page's query string along, and on a page that is
    // a Gradio application it would talk to that one.
    "window.location.search": '""',
    "window.gradio_config": "undefined",
    "window.gradio_api_info": "undefined",
  },
});
