/** What MiniStack 1.5.33 does not know, and what it is for. Nothing else refers to these resources. */
export const unsupportedTypes: ReadonlyMap<string, string> = new Map([
  ["AWS::Logs::QueryDefinition", "the saved queries of Logs Insights"],
]);
