import { timePerDelivery, type Outcome } from "../load/traffic.ts";
import { Latencies } from "../measure/latencies.ts";
import { ratiosOf, type Spread, spreadOf } from "../measure/spread.ts";

/** What one server came to in several runs. Times of processors are in microseconds. */
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
  /** The share of messages that came compressed. */
  readonly compressed: number;
}

/** What one server came to beside another, of each pair of runs: the one's over the other's. */
export interface Ratios {
  readonly serverTime: Spread;
  readonly p99: Spread;
}

export function sideOf(outcomes: readonly Outcome[]): Side {
  const latencies = new Latencies();
  for (const outcome of outcomes) latencies.merge(new Latencies(outcome.latencies));
  const sum = (pick: (outcome: Outcome) => number): number => outcomes.reduce((all, one) => all + pick(one), 0);
  return {
    serverTime: spreadOf(outcomes.map(timePerDelivery)),
    redisTime: spreadOf(outcomes.map(({ redisTime, deliveries }) => redisTime / deliveries)),
    deliveries: spreadOf(outcomes.map(({ deliveries, seconds }) => deliveries / seconds)),
    p50: latencies.percentile(0.5),
    p99: latencies.percentile(0.99),
    load: spreadOf(outcomes.map(({ loadTime, seconds }) => loadTime / (seconds * 1e6))),
    compressed: sum(({ compressed }) => compressed) / sum(({ deliveries }) => deliveries),
  };
}

export function ratiosBetween(ones: readonly Outcome[], others: readonly Outcome[]): Ratios {
  return {
    serverTime: ratiosOf(ones.map(timePerDelivery), others.map(timePerDelivery)),
    p99: ratiosOf(ones.map(p99Of), others.map(p99Of)),
  };
}

function p99Of({ latencies }: Outcome): number {
  return new Latencies(latencies).percentile(0.99);
}
