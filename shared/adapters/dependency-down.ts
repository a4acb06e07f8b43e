import { Failure } from "../contracts/failures.ts";

/** Runs one AWS call; any way in which it fails becomes DEPENDENCY_DOWN, with the cause kept. */
export async function callDependency<T>(name: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    const kind = cause instanceof Error ? cause.name : "unknown error";
    throw new Failure("DEPENDENCY_DOWN", `${name} failed: ${kind}`, { cause });
  }
}
