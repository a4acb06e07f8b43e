import * as z from "zod/mini";
import type { ApiOperation } from "../operation.ts";
import { nothing, plain, text } from "../parts.ts";

/**
 * What an operator key may do. Each includes those before it: `read` looks, `operate` mends,
 * `admin` gives and takes access, and deletes.
 */
export const operatorScopes = ["read", "operate", "admin"] as const;

export const operatorScope = z.enum(operatorScopes);

export type OperatorScope = (typeof operatorScopes)[number];

/** The contract of one operation of the operator API. */
export interface OperatorOperation extends ApiOperation {
  /** The scope that a key needs. Every operation that is no GET is a change, and is audited. */
  scope: OperatorScope;
  /**
   * A portal link may use it too, for its own client: the operation's `clientId`, in the path or
   * the query, can name no other one.
   */
  isInPortal?: true;
  /** Members of the body that the audit record shows. Never a secret. */
  audited?: readonly string[];
  /**
   * Members of the body that are URLs, of which the audit record shows the origin alone, as
   * `<member>Origin`: a path and a query may contain a secret.
   */
  auditedOrigins?: readonly string[];
  /** Members of the answer that are ids of what was created, which the audit record shows. */
  auditedAnswer?: readonly string[];
}

/** Whether an operation changes nothing: every other one is audited. */
export const isLook = ({ method }: Pick<OperatorOperation, "method">): boolean => method === "GET";

/** Why a person makes a change, for the audit record. */
export const why = z
  .exactOptional(text(500))
  .check(z.describe("Why, in a sentence: kept in the audit record."));

/** The body of a change that needs nothing but the reason. */
export const onlyWhy = z.strictObject({ why });

/** An operation that looks. */
export const look = { ...plain, method: "GET", scope: "read", query: nothing } as const;

/** An operation that changes something: always a POST with a JSON object. */
export const change = { ...plain, method: "POST", body: onlyWhy } as const;

export const clientId = text(128);
export const clientParams = z.strictObject({ clientId });

/** Only this client's; absent: of every client, newest first. */
export const ofClient = { clientId: z.exactOptional(clientId) };

/** The client that a record belongs to, in the answers that show several clients' records. */
export const whose = { clientId: z.string() };
