/** The answer of a service that refuses a call, or an entry of one, as the SDK throws it. */
export class Refusal extends Error {
  readonly $metadata: { httpStatusCode: number } = { httpStatusCode: 400 };

  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}
