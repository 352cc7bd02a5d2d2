/**
 * Measures two things in turn, one after the other, several times: what disturbs the machine
 * disturbs both alike.
 */
export async function pairedRuns<Result>(
  rounds: number,
  one: () => Promise<Result>,
  other: () => Promise<Result>,
): Promise<{ readonly ones: readonly Result[]; readonly others: readonly Result[] }> {
  const ones: Result[] = [];
  const others: Result[] = [];
  for (let round = 0; round < rounds; round++) {
    ones.push(await one());
    others.push(await other());
  }
  return { ones, others };
}
