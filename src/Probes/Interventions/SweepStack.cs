namespace MlNetIcl.Probes;

/// <summary>What one pass computes: some patches, each on some of the base run's rows.</summary>
/// <param name="Layer">Where the pass starts.</param>
/// <param name="Patches">Which patches, by their place in the sweep.</param>
/// <param name="FirstRow">The first of the rows.</param>
/// <param name="Rows">How many.</param>
internal sealed record SweepStack(int Layer, int[] Patches, int FirstRow, int Rows);
