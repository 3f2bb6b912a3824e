/** Reads server-sent events; unlike EventSource it tells a refusal from a lost connection. */

const MOST_CHARACTERS = 1 << 20;

/**
 * @param {ReadableStream<Uint8Array>} body of the response.
 * @param {(name: string, data: string, id: string) => void} onEvent called for each event.
 * @returns when the service ends the stream; throws where it breaks or is not made of lines.
 */
export async function readEvents(body, onEvent) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop();
    if (rest.length > MOST_CHARACTERS) throw new Error("an event without an end");
    for (const block of blocks) emitBlock(block, onEvent);
  }
}

function emitBlock(block, onEvent) {
  let name = "message";
  let id = "";
  const data = [];
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon === 0) continue;
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") id = value;
  }
  if (data.length > 0) onEvent(name, data.join("\n"), id);
}
