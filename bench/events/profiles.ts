import { existsSync, readdirSync, readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { childrenOf } from "../run/process-times.ts";

/** A CPU profile of V8. */
interface Profile {
  nodes: { id: number; callFrame: CallFrame }[];
  samples: number[];
  /** Microseconds before each sample. */
  timeDeltas: number[];
}

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
  columnNumber: number;
}

/** Self time of a package of npm, a folder of this project, or a part of Node.js. */
export interface Share {
  name: string;
  ms: number;
}

/** Starts the profiles of a local run and its functions, or ends and writes them. */
export function signalProfilers(pid: number): void {
  for (const each of [pid, ...childrenOf(pid)]) process.kill(each, "SIGUSR2");
}

const WRITTEN_WITHIN_MS = 30_000;

/** Waits until each of so many processes has written its profile; those that ended do not. */
export async function profilesWritten(directory: string, count: number): Promise<void> {
  const untilMs = Date.now() + WRITTEN_WITHIN_MS;
  while (readdirSync(directory).length < count && Date.now() < untilMs) await setTimeout(100);
  // The last one may be written just now.
  await setTimeout(1_000);
}

/**
 * Returns the self time by package of each function, and of the local run, most first. Waiting does
 * not count. The source maps beside the bundles say what is from where.
 */
export function selfTimes(directory: string): Map<string, Share[]> {
  const sums = new Map<string, Map<string, number>>();
  for (const file of readdirSync(directory)) {
    const name = file.replace(/-\d+\.cpuprofile$/, "");
    const profile = JSON.parse(readFileSync(join(directory, file), "utf8")) as Profile;
    const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]));
    const shares = sums.get(name) ?? new Map<string, number>();
    sums.set(name, shares);
    profile.samples.forEach((id, n) => {
      const frame = frames.get(id);
      if (!frame || frame.functionName === "(idle)") return;
      const place = placeOf(frame);
      // Of the profiler.
      if (place === "node:inspector") return;
      shares.set(place, (shares.get(place) ?? 0) + (profile.timeDeltas[n] ?? 0) / 1_000);
    });
  }
  return new Map(
    [...sums].map(([name, shares]) => [
      name,
      [...shares]
        .map(([place, ms]): Share => ({ name: place, ms }))
        .toSorted((one, other) => other.ms - one.ms),
    ]),
  );
}

/** Returns the package, folder or part of Node.js that a frame belongs to. */
export function placeOf(frame: CallFrame): string {
  const source = sourceOf(frame);
  if (source === "") return frame.functionName.startsWith("(") ? frame.functionName : "native code";
  if (source.startsWith("node:")) return source;
  const packaged = source.split("node_modules/").at(-1) ?? "";
  if (source.includes("node_modules/")) {
    return packaged.split("/", packaged.startsWith("@") ? 2 : 1).join("/");
  }
  // The maps of the bundles have no libraries.
  if (source.includes("/asset.")) return "libraries in the bundle";
  return /.*\b((shared|functions|local|bench)\/[\w-]+)/.exec(source)?.[1] ?? source;
}

const maps = new Map<string, SourceMap | undefined>();

function sourceOf({ url, lineNumber, columnNumber }: CallFrame): string {
  if (!url.startsWith("file:")) return url;
  if (!maps.has(url)) {
    const file = `${fileURLToPath(url)}.map`;
    maps.set(
      url,
      existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, "utf8"))) : undefined,
    );
  }
  const entry = maps.get(url)?.findEntry(lineNumber, columnNumber);
  // A generated line without a source has an entry that is empty.
  return (entry && "originalSource" in entry ? entry.originalSource : undefined) ?? url;
}
