import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { FeedOffset } from "./event-feed.ts";

const FOLDER = ".ackwire/listen";

/** What `listen` keeps between two starts. */
export interface ListenState {
  secret: string;
  offset: FeedOffset;
  store(offset: FeedOffset): void;
}

interface Stored {
  /** Whose events they are: another local run has other ones. */
  source: string;
  offset: FeedOffset;
}

/**
 * Opens the secret and the offset of a receiver in the current folder. Every receiver has the same
 * secret. Both files are readable by their owner alone, and are complete or absent.
 *
 * @param receiver the URL that gets the events
 * @param source what the offset belongs to; an offset of another source is not used
 * @param first the offset where there is none
 */
export function openListenState(
  receiver: string,
  source: string,
  first: () => FeedOffset,
): ListenState {
  mkdirSync(FOLDER, { recursive: true, mode: 0o700 });
  const file = join(FOLDER, `${receiver.replaceAll(/[^\w.-]+/g, "-")}.json`);
  const stored = parsed(read(file));
  return {
    secret: secretOf(join(FOLDER, "secret")),
    offset: stored?.source === source ? stored.offset : first(),
    store: (offset) => write(file, JSON.stringify({ source, offset } satisfies Stored)),
  };
}

/** A secret of the form that Standard Webhooks defines: `whsec_` and base64. */
function secretOf(file: string): string {
  const known = read(file)?.trim();
  if (known) return known;
  const secret = `whsec_${randomBytes(24).toString("base64")}`;
  write(file, `${secret}\n`);
  return secret;
}

function parsed(text: string | undefined): Stored | undefined {
  try {
    return text === undefined ? undefined : (JSON.parse(text) as Stored);
  } catch {
    return undefined;
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function write(file: string, text: string): void {
  writeFileSync(`${file}.partial`, text, { mode: 0o600 });
  renameSync(`${file}.partial`, file);
}
