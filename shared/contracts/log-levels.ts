/** The levels of log lines in Lambda's terms, the least severe first. */
export const logLevels = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"] as const;

export type LeastLogLevel = (typeof logLevels)[number];
