import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/**
 * Loads a module of dynalite, such as `actions/getItem`. In the package `@ackwire/testing` another
 * module takes the place of this one, which has them bundled.
 */
export function dynaliteModule(path: string): unknown {
  return require(`dynalite/${path}`);
}
