/** The failed deliveries of one endpoint, and what became known of them. */
export interface FailureCounts {
  failed: number;
  /** Failures that are on the bus, each once. */
  told: number;
  /** Events of failures on the bus, also those of the same one. */
  publishes: number;
  /** Failures that were counted for the alarm. */
  counted: number;
  /** A fault has struck somewhere in the run. */
  isStruck: boolean;
}

/**
 * What is wrong with these counts, in words. Each failure is told, and counted once: again only if
 * a worker that a fault struck left it to be published again.
 */
export function wrongCounts(of: FailureCounts): string[] {
  const { failed, told, publishes, counted, isStruck } = of;
  const isCounted = isStruck ? counted >= failed && counted <= publishes : counted === failed;
  return [
    ...(told === failed ? [] : [`${failed} deliveries failed, and ${told} failures are told`]),
    ...(isCounted
      ? []
      : [
          `${failed} deliveries failed ${isStruck ? "with" : "without"} a fault in the run, ` +
            `${publishes} events tell of them, and ${counted} failures are counted`,
        ]),
  ];
}
