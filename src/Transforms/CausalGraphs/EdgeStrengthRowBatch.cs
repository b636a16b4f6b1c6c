using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Runtime;
using MlNetIcl.Models;
using MlNetIcl.Transforms.Batching;
using MlNetIcl.Transforms.Rows;

namespace MlNetIcl.Transforms.CausalGraphs;

/// <summary>Rows of one length, and how strongly each speaks for each edge.</summary>
/// <param name="source">The row that is read from.</param>
/// <param name="settings">The stage's settings.</param>
/// <param name="limits">How far is read ahead.</param>
/// <param name="positions">Positions of the graph.</param>
/// <param name="vocabulary">Number of ids.</param>
/// <param name="context">The longest row that can be read.</param>
/// <param name="host">The stage's host.</param>
/// <param name="strengths">Computes rows that were cut to the graph's positions: for each, a number for each pair.</param>
internal sealed class EdgeStrengthRowBatch(
    DataViewRow source, CausalGraphSettings settings, BatchLimits limits, int positions, int vocabulary, int context, IHost host, Func<TokenBatch, float[][]> strengths)
    : SequenceRowBatch(source, settings, limits, vocabulary, context, host)
{
    private readonly float[]?[] _strengths = new float[]?[limits.Rows];

    public override Delegate CreateGetter(int output, Func<int> slot) => output > 0 ? ReasonGetter(slot)
        : (ValueGetter<VBuffer<float>>)((ref value) =>
        {
            int row = slot();
            if (TryCompute(row)) Getters.Copy<float>(_strengths[row], ref value);
            else Getters.Missing(positions * (positions - 1) / 2, ref value);
        });

    protected override (string Column, string Why)? ReadMore(int slot, int[] tokens) =>
        CausalGraphColumns.WhyNot(tokens, positions, settings.CutsLongerRows) is { } why ? (settings.InputColumnName, why) : null;

    protected override void Compute(TokenBatch rows, IReadOnlyList<int> slots)
    {
        float[][] values = strengths(new TokenBatch([.. Enumerable.Range(0, rows.Count).Select(row => rows[row][..positions].ToArray())]));
        for (int i = 0; i < slots.Count; i++) _strengths[slots[i]] = values[i];
    }
}
