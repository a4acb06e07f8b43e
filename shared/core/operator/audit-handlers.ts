import { readCursor, writeCursor } from "../input/cursor.ts";
import type { OperatorHandlers } from "./handler-types.ts";
import type { OperatorDeps } from "./ports.ts";

/** The form of a position: a time, and `#` with a record's id, or `~`. */
const PLACE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z(#au_[0-9a-f]{32}|~)$/;

/** Handlers of the operations on audit records. */
export function auditHandlers({ audit }: OperatorDeps) {
  return {
    async listAudit({ query: { limit, cursor, clientId, who, action, until } }) {
      const of = { list: "audit", clientId: "" } as const;
      const { records, before } = await audit.list({
        limit,
        before: cursor === undefined ? undefined : readCursor(of, cursor, PLACE),
        untilMs: until === undefined ? undefined : Date.parse(until),
        matches: (record) =>
          (clientId ?? record.clientId) === record.clientId &&
          (who === undefined || record.who === who || record.whoName === who) &&
          (action ?? record.action) === record.action,
      });
      const next = before === undefined ? {} : { nextCursor: writeCursor(of, before) };
      return JSON.stringify({ items: records, ...next });
    },
  } satisfies Partial<OperatorHandlers>;
}
