// The server, over the Gradio API. Every call names the token; nothing is sent before `start`.
import { Client } from "@gradio/client";

export class Door {
  #api;
  #client = null;

  constructor(api) {
    this.#api = api;
  }

  async #connect() {
    const client = new Client(this.#api, { events: ["data", "status"], record_history: false });
    const bytes = crypto.getRandomValues(new Uint8Array(12)); // the client's own is Math.random's
    client.session_hash = Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
    // Behind a proxy a server can be wrong about its own address; the script's is the right one.
    const resolve = client.resolve_config;
    client.resolve_config = async (...asked) => ({ ...(await resolve(...asked)), root: this.#api });
    await client.init();
    return client;
  }

  async #connected() {
    this.#client ??= this.#connect();
    try {
      return await this.#client;
    } catch (error) {
      this.#client = null;
      throw error;
    }
  }

  /** One call and its answer. Throws an Error with words for the reader. */
  async call(name, data) {
    let last = null;
    for await (const value of this.stream(name, data)) last = value;
    return last;
  }

  /** One call and its answers as they come. */
  async *stream(name, data) {
    const client = await this.#connected();
    const job = client.submit(`/${name}`, data);
    for await (const event of job) {
      // A copy: the client changes what it gave, in place, when the next part comes.
      if (event.type === "data") yield structuredClone(event.data[0]);
      else if (event.type === "status" && event.stage === "error") {
        // After a restart of the server the session is gone: the next call begins a new one.
        if (event.broken || event.session_not_found) this.#client = null;
        throw new Error(event.broken ? "" : String(event.message ?? ""));
      } else if (event.type === "status" && event.stage === "complete") return;
    }
  }
}
