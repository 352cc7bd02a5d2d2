import type { Outcome } from "../load/crowd.ts";
import { Latencies } from "../measure/latencies.ts";
import { type Spread, ratiosOf, spreadOf } from "../measure/spread.ts";

/** What several runs of one server came to. Times of processors are in microseconds. */
export interface Side {
  /** For each delivered message, of all processes of the server together. */
  readonly serverTime: Spread;
  /** For each delivered message. */
  readonly redisTime: Spread;
  /** Messages that arrived at a client, a second. */
  readonly deliveries: Spread;
  /** Of the samples of all runs, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The share of one core that the load generator used. */
  readonly load: Spread;
}

/** Two servers at the same work. */
export interface Comparison {
  readonly ours: Side;
  readonly theirs: Side;
  /** Their processor time over ours, of each pair of runs. */
  readonly timeRatio: Spread;
  /** Their p99 over ours, of each pair of runs. */
  readonly p99Ratio: Spread;
}

export function compare(ours: readonly Outcome[], theirs: readonly Outcome[]): Comparison {
  return {
    ours: sideOf(ours),
    theirs: sideOf(theirs),
    timeRatio: ratiosOf(theirs.map(timePerDelivery), ours.map(timePerDelivery)),
    p99Ratio: ratiosOf(theirs.map(p99Of), ours.map(p99Of)),
  };
}

function sideOf(outcomes: readonly Outcome[]): Side {
  const latencies = new Latencies();
  for (const outcome of outcomes) latencies.merge(new Latencies(outcome.latencies));
  return {
    serverTime: spreadOf(outcomes.map(timePerDelivery)),
    redisTime: spreadOf(outcomes.map(({ redisTime, deliveries }) => redisTime / deliveries)),
    deliveries: spreadOf(outcomes.map(({ deliveries, seconds }) => deliveries / seconds)),
    p50: latencies.percentile(0.5),
    p99: latencies.percentile(0.99),
    load: spreadOf(outcomes.map(({ loadTime, seconds }) => loadTime / (seconds * 1e6))),
  };
}

function timePerDelivery({ serverTime, deliveries }: Outcome): number {
  return serverTime / deliveries;
}

function p99Of({ latencies }: Outcome): number {
  return new Latencies(latencies).percentile(0.99);
}
