import { isText } from "./text.ts";
import { weLinkVocabulary } from "./vocabulary.ts";

/** The only failure whose code is the status, according to the specification. */
const QUEUE_TIMEOUT = "QUEUE_TIMEOUT_THRESHOLD_EXCEEDED";

/** The members that tell a failure, the same in webhooks and in answers of `get_response`. */
export interface WeLinkFailure {
  status: "FAILED" | typeof QUEUE_TIMEOUT;
  error: string;
  message: string;
}

/**
 * Tells a failure as We-Link does: `error` is the code, or We-Link's own text where it named
 * no code and only a word such as `FAILED` is known.
 */
export function weLinkFailureOf(of: { code?: unknown; message?: unknown }): WeLinkFailure {
  const code = isText(of.code) ? of.code : "FAILED";
  const message = isText(of.message) ? of.message : code;
  const isWord =
    weLinkVocabulary.codeOf(code) === undefined && weLinkVocabulary.meaningOf(code) === "failed";
  const error = isWord ? message : code;
  return { status: code === QUEUE_TIMEOUT ? QUEUE_TIMEOUT : "FAILED", error, message };
}
