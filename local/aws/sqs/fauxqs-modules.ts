/**
 * Loads a module of fauxqs that it does not export, such as `./sqs/sqsStore.js`. In the package
 * `@ackwire/testing` another module takes the place of this one, which has them bundled.
 */
export function fauxqsModule(path: string): Promise<unknown> {
  return import(new URL(path, import.meta.resolve("fauxqs")).href);
}
