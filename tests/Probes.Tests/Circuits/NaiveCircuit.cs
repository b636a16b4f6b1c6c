using MlNetIcl.Models;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MlNetIcl.Probes.Tests.Circuits;

/// <summary>
/// What a circuit is, spelled out: each receiver's input is the sum over ALL its senders, of this run's value where the edge is in the
/// circuit and of the corrupted run's where it is not. One node at a time, by recursion, from the weights. LayerNorm, GELU, serial
/// blocks, Shortformer or learned positions.
/// </summary>
internal sealed class NaiveCircuit(LanguageModel model, TokenBatch clean, TokenBatch corrupted, IReadOnlyCollection<PathEdge> circuit)
{
    private readonly HashSet<PathEdge> _circuit = [.. circuit];
    private readonly Dictionary<(PathSender Sender, bool Corrupted), Tensor> _outputs = [];

    private DecoderConfig Config => model.Config;

    private DecoderWeights Weights => model.Weights;

    /// <summary>Logits [batch, pos, vocab].</summary>
    public Tensor Logits() => F.linear(Norm(Input(new PathReceiver(PathInput.Logits), Config.Layers, mlp: true, corruptedRun: false), Weights.FinalNormWeight, Weights.FinalNormBias), Weights.Unembedding, Weights.UnembeddingBias);

    private Tensor Output(PathSender sender, bool corruptedRun)
    {
        if (_outputs.TryGetValue((sender, corruptedRun), out var known)) return known;
        var value = sender == PathSender.Embedding ? Embedding(corruptedRun) : sender.Head is { } head ? Head(sender.Layer, head, corruptedRun) : Mlp(sender.Layer, corruptedRun);
        return _outputs[(sender, corruptedRun)] = value;
    }

    private Tensor Input(PathReceiver receiver, int layer, bool mlp, bool corruptedRun)
    {
        var sum = Output(PathSender.Embedding, corruptedRun || !_circuit.Contains(new(PathSender.Embedding, receiver)));
        for (int l = 0; l <= Math.Min(layer, Config.Layers - 1); l++)
        {
            if (l == layer && !mlp) break;
            for (int head = 0; head < Config.Heads; head++) Add(new PathSender(l, head));
            if (Weights.Blocks[l].OutputBias is { } bias) sum += bias;
            if (l < layer && Config.DMlp > 0) Add(new PathSender(l, null));
        }
        return sum;

        void Add(PathSender sender) => sum = sum + Output(sender, corruptedRun || !_circuit.Contains(new(sender, receiver)));
    }

    private Tensor Embedding(bool corruptedRun)
    {
        var rows = (corruptedRun ? corrupted : clean).Rows;
        var ids = tensor(rows.SelectMany(r => r).Select(id => (long)id).ToArray(), [rows.Count, rows[0].Length]);
        var embedded = Weights.Embedding.index_select(0, ids.flatten()).view(rows.Count, rows[0].Length, Config.DModel);
        return Config.Positions == PositionEncoding.Learned ? embedded + Positions(rows[0].Length) : embedded;
    }

    private Tensor Positions(int length) => Weights.Positions!.narrow(0, 0, length);

    private Tensor Head(int layer, int head, bool corruptedRun)
    {
        var block = Weights.Blocks[layer];
        int width = Config.DHead, keyHead = head / (Config.Heads / Config.KeyHeads);
        var q = Project(PathInput.Query, head, head);
        var k = Project(PathInput.Key, keyHead, Config.Heads + keyHead);
        var v = Project(PathInput.Value, keyHead, Config.Heads + Config.KeyHeads + keyHead);
        long length = q.shape[1];
        var scores = (q.unsqueeze(2) * k.unsqueeze(1)).sum(-1) / Math.Sqrt(width); // [batch, query, key]
        scores = scores.masked_fill(ones(length, length, dtype: ScalarType.Bool).triu(1), double.NegativeInfinity);
        var z = (scores.softmax(-1).unsqueeze(-1) * v.unsqueeze(1)).sum(2);
        return F.linear(z, block.Output.narrow(1, (long)head * width, width));

        Tensor Project(PathInput input, int receiverHead, int row)
        {
            var x = Norm(Input(new PathReceiver(input, layer, receiverHead), layer, mlp: false, corruptedRun), block.AttentionNormWeight, block.AttentionNormBias);
            if (Config.Positions == PositionEncoding.Shortformer && input != PathInput.Value) x = x + Positions((int)x.shape[1]);
            return F.linear(x, block.QueryKeyValue.narrow(0, (long)row * width, width), block.QueryKeyValueBias?.narrow(0, (long)row * width, width));
        }
    }

    private Tensor Mlp(int layer, bool corruptedRun)
    {
        var block = Weights.Blocks[layer];
        var x = Norm(Input(new PathReceiver(PathInput.Mlp, layer), layer, mlp: true, corruptedRun), block.MlpNormWeight, block.MlpNormBias);
        return F.linear(F.gelu(F.linear(x, block.MlpIn!, block.MlpInBias)), block.MlpOut!, block.MlpOutBias);
    }

    private Tensor Norm(Tensor x, Tensor? weight, Tensor? bias) => F.layer_norm(x, [Config.DModel], weight, bias, Config.NormEpsilon);
}
