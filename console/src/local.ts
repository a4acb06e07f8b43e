/** What only a local run serves, beside the API, on the console's own origin. */

/**
 * The operator key of the local run, or null where this is no local run. The header makes another
 * site's page ask first, which the local run refuses.
 */
export async function localKey(): Promise<string | null> {
  const body = await local("GET", "/local/session");
  return typeof body?.operatorKey === "string" ? body.operatorKey : null;
}

/** Calls the provider simulator's control. @throws Error with what it says */
export async function simulator(
  method: "GET" | "PUT" | "POST",
  name: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const answer = await local(method, `/local/simulator/${name}`, body);
  if (answer === null) throw new Error("The simulator does not answer.");
  return answer;
}

async function local(
  method: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown> | null> {
  const response = await fetch(path, {
    method,
    headers: { "x-ackwire-console": "1", "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    cache: "no-store",
  });
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  if (!isJson) return null;
  const answer = (await response.json()) as Record<string, unknown>;
  if (response.ok) return answer;
  if (response.status === 404) return null;
  throw new Error(String(answer.error ?? `The answer was ${response.status}.`));
}
