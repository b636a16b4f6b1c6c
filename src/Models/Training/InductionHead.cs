using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Models.Training;

/// <summary>
/// One causal attention head with projections of its own, <c>o(softmax(q k^T / sqrt(d_head)) v)</c>. Keys and values may come from
/// another residual stream than queries, as they do where an earlier layer has written what they read.
/// A module like any other: train it, set its weights by hand (<see cref="InductionCircuit"/>), stack it.
/// </summary>
/// <remarks>Not thread-safe while it is trained. The output is what the head adds to the residual stream; adding it is the caller's part.</remarks>
public sealed class InductionHead : nn.Module<Tensor, Tensor, Tensor>
{
    /// <summary>Query projection [d_head, d_model].</summary>
    public readonly Parameter q;

    /// <summary>Key projection [d_head, d_model].</summary>
    public readonly Parameter k;

    /// <summary>Value projection [d_head, d_model].</summary>
    public readonly Parameter v;

    /// <summary>Output projection [d_model, d_head].</summary>
    public readonly Parameter o;

    /// <summary>Draws projections from a uniform distribution within 1 / sqrt(inputs) of zero.</summary>
    /// <param name="dModel">Width of the residual stream. Range: at least 1.</param>
    /// <param name="dHead">Width of the head. Range: at least 1.</param>
    /// <param name="seed">Seed of the generator, which is the head's own. Default 0.</param>
    public InductionHead(int dModel, int dHead, int seed = 0) : base(nameof(InductionHead))
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(dModel, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(dHead, 1);
        (DModel, DHead) = (dModel, dHead);
        using var generator = new Generator((ulong)(uint)seed);
        Parameter Projection(long outputs, long inputs)
        {
            double bound = 1 / Math.Sqrt(inputs);
            var projection = new Parameter(empty(outputs, inputs, ScalarType.Float32).uniform_(-bound, bound, generator)); // takes the tensor over
            projection.DetachFromDisposeScope();
            return projection;
        }
        q = Projection(dHead, dModel);
        k = Projection(dHead, dModel);
        v = Projection(dHead, dModel);
        o = Projection(dModel, dHead);
        RegisterComponents();
    }

    /// <summary>Width of the residual stream.</summary>
    public int DModel { get; }

    /// <summary>Width of the head.</summary>
    public int DHead { get; }

    /// <summary>Attends over one residual stream [batch, pos, d_model].</summary>
    /// <returns>[batch, pos, d_model].</returns>
    public Tensor call(Tensor input) => call(input, input);

    /// <summary>Attends from one residual stream to another.</summary>
    /// <param name="input">Where queries come from [batch, pos, d_model].</param>
    /// <param name="keysAndValues">Where keys and values come from, of the same shape: the previous layer's output, or <paramref name="input"/> itself.</param>
    /// <returns>[batch, pos, d_model].</returns>
    /// <exception cref="ArgumentException">A shape is another one; the message has both.</exception>
    public override Tensor forward(Tensor input, Tensor keysAndValues)
    {
        using var scope = NewDisposeScope();
        var pattern = Pattern(input, keysAndValues); // [batch, query, key]
        var z = bmm(pattern, F.linear(keysAndValues, v)); // [batch, pos, d_head]
        return F.linear(z, o).MoveToOuterDisposeScope();
    }

    /// <summary>The attention weights [batch, query, key]; each row sums to 1 over keys at or before its query.</summary>
    /// <param name="input">Where queries come from [batch, pos, d_model].</param>
    /// <param name="keysAndValues">Where keys come from, of the same shape.</param>
    /// <exception cref="ArgumentException">A shape is another one; the message has both.</exception>
    public Tensor Pattern(Tensor input, Tensor keysAndValues)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentNullException.ThrowIfNull(keysAndValues);
        if (input.dim() != 3) throw new ArgumentException($"Expected the input to have shape [batch, pos, {DModel}], got {Shapes.Show(input.shape)}.", nameof(input));
        Shapes.Require(input, [input.shape[0], input.shape[1], DModel], "the input [batch, pos, d_model]");
        Shapes.Require(keysAndValues, input.shape, "keys and values [batch, pos, d_model]");

        using var scope = NewDisposeScope();
        var scores = bmm(F.linear(input, q), F.linear(keysAndValues, k).transpose(1, 2)).Over(Math.Sqrt(DHead)); // [batch, query, key]
        int length = (int)input.shape[1];
        var offsets = AttentionBias.Offsets([.. Enumerable.Range(0, length).Select(i => (long)i)], length, input.device);
        return scores.Plus(AttentionBias.Causal(offsets, window: 0)).softmax(-1).MoveToOuterDisposeScope();
    }
}
