import "@mantine/charts/styles.css";
import { BarChart } from "@mantine/charts";
import { Table, VisuallyHidden } from "@mantine/core";
import type { Answer } from "../api/call.ts";

type Buckets = Answer<"GET /v1/operator/overview">["traffic"]["buckets"];

const time = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });

const series = [
  { name: "requests", label: "Requests", color: "indigo.5" },
  { name: "events", label: "Events", color: "cyan.6" },
  { name: "delivered", label: "Delivered", color: "teal.6" },
  { name: "failed", label: "Failed", color: "red.6" },
] as const;

/** Twelve times five minutes. A screen reader gets the same as a table. */
export default function TrafficChart({ buckets }: { buckets: Buckets }) {
  const data = buckets.map(({ at, ...counts }) => ({ at: time.format(new Date(at)), ...counts }));
  return (
    <>
      <div aria-hidden="true">
        <BarChart
          h={220}
          data={data}
          dataKey="at"
          series={[...series]}
          withLegend
          legendProps={{ verticalAlign: "bottom" }}
          tickLine="y"
          yAxisProps={{ allowDecimals: false, width: 44 }}
          barChartProps={{ accessibilityLayer: false }}
          barProps={{ isAnimationActive: false }}
        />
      </div>
      <VisuallyHidden>
        <Table aria-label="The last hour in steps of five minutes">
          <Table.Thead>
            <Table.Tr>
              <Table.Th>From</Table.Th>
              {series.map(({ name, label }) => (
                <Table.Th key={name}>{label}</Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {buckets.map((bucket) => (
              <Table.Tr key={bucket.at}>
                <Table.Th>{time.format(new Date(bucket.at))}</Table.Th>
                {series.map(({ name }) => (
                  <Table.Td key={name}>{bucket[name]}</Table.Td>
                ))}
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </VisuallyHidden>
    </>
  );
}
