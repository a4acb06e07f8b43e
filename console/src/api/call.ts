import type * as z from "zod/mini";
import type { operatorOperations } from "../../../shared/contracts/http/operator/operations.ts";
import { currentKey, signOut } from "../session.ts";
import { pathOf } from "./path.ts";

type Operations = typeof operatorOperations;

/** Every operation of the operator API, by its method and path. */
type Routes = {
  [Id in keyof Operations as `${Operations[Id]["method"]} ${Operations[Id]["path"]}`]: Operations[Id];
};

export type Route = keyof Routes;
export type Look = Extract<Route, `GET ${string}`>;
export type Change = Extract<Route, `POST ${string}`>;

/** What an operation answers. */
export type Answer<Of extends Route> = Routes[Of]["answer"] extends {
  schema: infer Schema extends z.ZodMiniType;
}
  ? z.output<Schema>
  : undefined;

/** One item of an operation that answers a list. */
export type ItemOf<Of extends Route> =
  Answer<Of> extends { items: readonly (infer Item)[] } ? Item : never;

type BodyOf<Of extends Route> = Routes[Of] extends { body: infer Schema extends z.ZodMiniType }
  ? z.input<Schema>
  : never;

export interface Input<Of extends Route> {
  params?: z.input<Routes[Of]["params"]>;
  query?: z.input<Routes[Of]["query"]>;
  body?: BodyOf<Of>;
}

/** An answer that is no 2xx, or none at all. */
export class ApiProblem extends Error {
  /** 0: no answer came. */
  readonly status: number;
  readonly code: string | undefined;

  constructor(status: number, detail: string, code?: string) {
    super(detail);
    this.name = "ApiProblem";
    this.status = status;
    this.code = code;
  }
}

/** An answer that has not come after this time will not come: API Gateway ends a call after 30 s. */
const TIMEOUT_MS = 35_000;

/**
 * Calls the operator API on the page's own origin, with the key of this tab. An answer 401 ends
 * the tab's session, unless another key has taken the place of the one that was refused.
 *
 * @throws ApiProblem; before anything is sent, Error when a value of the path is missing, `.` or
 *   `..`
 */
export async function call<Of extends Route>(
  route: Of,
  input: Input<Of> = {},
  signal?: AbortSignal,
): Promise<Answer<Of>> {
  const [method = "GET", path = ""] = route.split(" ");
  const key = currentKey();
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch(`${pathOf(path, input.params)}${queryOf(input.query)}`, {
    method,
    headers: {
      authorization: `Bearer ${key ?? ""}`,
      ...(method === "GET" ? {} : { "content-type": "application/json" }),
    },
    ...(method === "GET" ? {} : { body: JSON.stringify(input.body ?? {}) }),
    // The key is the only credential, and answers are not to be kept on disk.
    credentials: "omit",
    cache: "no-store",
    signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
  }).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new ApiProblem(
      0,
      "The API does not answer. Check that it runs, and that you are online.",
    );
  });
  if (response.status === 401 && currentKey() === key) {
    signOut("The key is not valid, or is not valid any more.");
  }
  if (!response.ok) throw await problemOf(response);
  return (response.status === 204 ? undefined : await response.json()) as Answer<Of>;
}

function queryOf(query: object = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== "");
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text === "" ? "" : `?${text}`;
}

/** The API answers `application/problem+json`; what stands between may answer anything. */
async function problemOf(response: Response): Promise<ApiProblem> {
  const body: unknown = await response.json().catch(() => undefined);
  const { detail, title, message, code } = (body ?? {}) as Record<string, unknown>;
  const text = [detail, title, message].find((one) => typeof one === "string");
  return new ApiProblem(
    response.status,
    typeof text === "string" ? text : `The API answered ${response.status}.`,
    typeof code === "string" ? code : undefined,
  );
}
