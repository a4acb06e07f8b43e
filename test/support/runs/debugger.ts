import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { positionOfLine, positionOfName } from "./source-positions.ts";

interface Script {
  url: string;
  sourceMapURL: string;
}

export interface CallFrame {
  callFrameId: string;
}

/** A debugger that is attached to one Node process over the inspector protocol. */
export interface Debugger {
  send<Result>(method: string, params?: object): Promise<Result>;
  /** Resolves with the parameters of the next event of this name. */
  next<Params>(event: string): Promise<Params>;
  /** The scripts that the process has loaded so far. */
  scripts: readonly Script[];
  close(): void;
}

/** @param url of the inspector, as the local run prints it */
export async function attachDebugger(url: string): Promise<Debugger> {
  const [target] = (await (await fetch(`${url}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  if (!target) throw new Error(`${url} lists no target`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = () => reject(new Error(`Cannot attach to ${target.webSocketDebuggerUrl}`));
  });

  const scripts: Script[] = [];
  const answers = new Map<number, (answer: { result?: unknown; error?: unknown }) => void>();
  const listeners = new Map<string, (params: unknown) => void>();
  socket.onmessage = ({ data }) => {
    const message = JSON.parse(String(data));
    if (message.method === "Debugger.scriptParsed") scripts.push(message.params);
    answers.get(message.id)?.(message);
    listeners.get(message.method)?.(message.params);
  };

  let lastId = 0;
  const attached: Debugger = {
    send: <Result>(method: string, params = {}) =>
      new Promise<Result>((resolve, reject) => {
        const id = ++lastId;
        answers.set(id, ({ result, error }) =>
          error ? reject(new Error(JSON.stringify(error))) : resolve(result as Result),
        );
        socket.send(JSON.stringify({ id, method, params }));
      }),
    next: <Params>(event: string) =>
      new Promise<Params>((resolve) => {
        listeners.set(event, (params) => resolve(params as Params));
      }),
    scripts,
    close: () => socket.close(),
  };
  await attached.send("Debugger.enable");
  return attached;
}

/**
 * Finds where a line of a TypeScript file lies in the loaded scripts, as an
 * editor does: by the source map that the script names.
 *
 * @param file relative to the repository
 * @param line counted from 1
 */
export function generatedLocation(
  attached: Debugger,
  file: string,
  line: number,
): { url: string; lineNumber: number; columnNumber: number } {
  for (const { url, map } of ownScripts(attached)) {
    const position = positionOfLine(map, file, line);
    if (position) return { url, lineNumber: position.line, columnNumber: position.column };
  }
  throw new Error(`No loaded script has a position for ${file}:${line}`);
}

/** Finds what a variable at a line of a TypeScript file is called in the loaded scripts, as an editor does. */
export function generatedName(
  attached: Debugger,
  at: { file: string; line: number; name: string },
): string {
  for (const { url, map } of ownScripts(attached)) {
    const position = positionOfName(map, at);
    if (!position) continue;
    const line = readFileSync(fileURLToPath(url), "utf8").split("\n")[position.line] ?? "";
    const [generated] = line.slice(position.column).match(/^[\w$]+/) ?? [];
    if (generated) return generated;
  }
  throw new Error(`No loaded script has the name ${at.name} at ${at.file}:${at.line}`);
}

/** The loaded scripts that have a source map, with its text. */
function ownScripts({ scripts }: Debugger): { url: string; map: string }[] {
  return scripts
    .filter(({ url, sourceMapURL }) => url.startsWith("file:") && sourceMapURL !== "")
    .map(({ url, sourceMapURL }) => ({
      url,
      map: readFileSync(fileURLToPath(new URL(sourceMapURL, url)), "utf8"),
    }));
}
