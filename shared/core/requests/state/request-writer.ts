import { Failure } from "../../../contracts/failures.ts";
import { retryOnConflict } from "../../retry-on-conflict.ts";
import type { RequestStore, TextStore } from "./ports.ts";
import type { RequestRecord, StoredText } from "./record.ts";

/** Attempts to change a request when other writers come first. */
const MAX_ATTEMPTS = 8;

export type RequestWriter = ReturnType<typeof makeRequestWriter>;

/** Writes requests. Texts that are too large for an item are stored in the bucket first. */
export function makeRequestWriter(deps: { requests: RequestStore; texts: TextStore }) {
  const { requests, texts } = deps;

  async function storeLargeTexts(request: RequestRecord): Promise<RequestRecord> {
    const keepText = async <Text extends StoredText | undefined>(text: Text): Promise<Text> =>
      text && "inline" in text
        ? ((await texts.store(request.requestId, text.inline)) as Text)
        : text;
    const { earlierLateResults } = request;
    const [params, result, lateResult, earlier, outbox] = await Promise.all([
      keepText(request.params),
      keepText(request.result),
      keepText(request.lateResult),
      earlierLateResults && Promise.all(earlierLateResults.map(keepText)),
      Promise.all(
        request.outbox.map(async ({ raw, ...entry }) => ({
          ...entry,
          envelope: await keepText(entry.envelope),
          ...(raw ? { raw: await keepText(raw) } : {}),
        })),
      ),
    ]);
    const kept = { ...request, params, result, lateResult, outbox };
    return earlier ? { ...kept, earlierLateResults: earlier } : kept;
  }

  /** Replaces the version that was read. Returns `undefined` when another write came first. @throws DEPENDENCY_DOWN */
  async function replace(request: RequestRecord): Promise<RequestRecord | undefined> {
    return requests.replace(await storeLargeTexts(request));
  }

  return {
    /** Stores a new request, or returns the stored one when the id exists already. @throws DEPENDENCY_DOWN */
    async create(request: RequestRecord): Promise<{ request: RequestRecord; isCreated: boolean }> {
      const fresh = await storeLargeTexts(request);
      const known = await requests.create(fresh);
      return known === "created"
        ? { request: { ...fresh, version: 1 }, isCreated: true }
        : { request: known, isCreated: false };
    },

    replace,

    /**
     * Changes the stored request, and tries again when another write came first.
     * `decide` returns `undefined` when there is nothing to change, and may run more than once.
     *
     * @param maxAttempts how often it tries; more where nobody else can make the change
     * @returns the stored request and whether this call changed it; `undefined` when there is none
     * @throws DEPENDENCY_DOWN, and what `decide` throws
     */
    async change(
      requestId: string,
      decide: (
        request: RequestRecord,
      ) => RequestRecord | undefined | Promise<RequestRecord | undefined>,
      maxAttempts = MAX_ATTEMPTS,
    ): Promise<{ request: RequestRecord; isChanged: boolean } | undefined> {
      const result = await retryOnConflict({
        find: () => requests.find(requestId),
        async decide(found) {
          const decided = await decide(found);
          return decided === found ? undefined : decided;
        },
        replace,
        maxAttempts,
      });
      switch (result.kind) {
        case "written":
          return { request: result.written, isChanged: true };
        case "unchanged":
          return { request: result.item, isChanged: false };
        case "missing":
          return undefined;
        case "conflict":
          throw new Failure("DEPENDENCY_DOWN", "too many writers of one request");
      }
    },
  };
}
