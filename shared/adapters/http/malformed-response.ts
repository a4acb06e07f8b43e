/** Status and headers of a response that Node's parser rejects. */
export interface MalformedResponse {
  status: number;
  /** Names in lower case; of a repeated header the first value. */
  headers: Readonly<Record<string, string>>;
  /** What was received of the body, unless it is in chunks. */
  body: Uint8Array;
}

/** The status line of RFC 9112, section 4, with any end of line and of any version of HTTP. */
const statusLine = /^(?:\r?\n)*HTTP\/\d(?:\.\d)?[ \t]+(\d{3})(?:[ \t][^\n]*)?\r?\n/;

/**
 * Reads the beginning of a response with any of the faults because of which Node's parser ends
 * the connection: a space before a colon, a folded header, lines that end with LF alone, control
 * characters, a repeated `Content-Length`, too many headers. The receiver has answered, so that
 * its status counts (https://github.com/nodejs/node/issues/27711).
 *
 * @returns `undefined` without the whole status line of a final response
 */
export function readMalformedResponse(bytes: Buffer): MalformedResponse | undefined {
  // One character for each byte, so that positions are the same.
  let text = bytes.toString("latin1");
  for (;;) {
    const [line, code] = statusLine.exec(text) ?? [];
    if (line === undefined) return undefined;
    const rest = text.slice(line.length);
    const end = /^\r?\n|\n\r?\n/.exec(rest);
    const head = end ? rest.slice(0, end.index + 1) : rest;
    const body = end ? rest.slice(end.index + end[0].length) : "";
    const status = Number(code);
    if (status === 101) return undefined;
    if (status >= 200) {
      const headers = headersIn(head);
      const isPlain = headers["transfer-encoding"] === undefined;
      return { status, headers, body: Buffer.from(isPlain ? body : "", "latin1") };
    }
    text = body;
  }
}

function headersIn(head: string): Record<string, string> {
  // A line that begins with white space continues the one before it.
  const lines = head.replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
  const found = lines.flatMap((line) => {
    const [, name, value] = /^([^\s:]+)[ \t]*:(.*)$/.exec(line) ?? [];
    return name === undefined ? [] : [[name.toLowerCase(), (value ?? "").trim()] as const];
  });
  return Object.fromEntries(found.toReversed());
}
