/** An invalid configuration; the message lists every problem. */
export class ConfigurationError extends Error {
  constructor(problems: readonly string[]) {
    super(["Ackwire cannot be synthesised with this configuration:", ...problems].join("\n  - "));
    this.name = "ConfigurationError";
  }
}
