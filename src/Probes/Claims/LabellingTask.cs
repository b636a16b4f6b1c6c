using MlNetIcl.Models;
using MlNetIcl.Models.Training;

namespace MlNetIcl.Probes;

/// <summary>
/// In-context labelling: BOS, then item and label in turn, then a query item. Each row draws its own items and its own label for each of them, so that
/// only the demonstrations tell the query's label; each item stands among them several times, so that a majority outvotes wrong labels.
/// A wrong label is uniform over the others (Min et al. 2022).
/// </summary>
internal static class LabellingTask
{
    public const int Labels = 4, Shots = 24, Items = 32;

    /// <summary>How many different items stand in a row: in training one of these, so that an item has 12, 6 or 3 demonstrations on average.</summary>
    public static IReadOnlyList<int> ItemsInRow { get; } = [2, 4, 8];

    private const int Bos = 0, FirstLabel = 1, FirstItem = FirstLabel + Labels, Width = 64, Heads = 4, BatchRows = 32, CopyingSteps = 300;
    private const int Length = 1 + (2 * Shots) + 1;

    /// <summary>Rows with what their query's label is, and what a vote of its item's demonstrations says (ties broken for the earliest label).</summary>
    internal sealed record Rows(int[][] Tokens, int[] Truth, int[] Vote);

    /// <summary>Draws rows.</summary>
    /// <param name="random">The generator.</param>
    /// <param name="count">How many.</param>
    /// <param name="wrong">Share of demonstrations with a wrong label; exactly that many of each row, rounded.</param>
    /// <param name="itemsInRow">Different items in each row.</param>
    public static Rows Draw(SeededRandom random, int count, double wrong, int itemsInRow)
    {
        var rows = new Rows(new int[count][], new int[count], new int[count]);
        int[] items = [.. Enumerable.Range(0, Items)], order = [.. Enumerable.Range(0, Shots)];
        for (int row = 0; row < count; row++)
        {
            random.DrawToFront(items.AsSpan(), itemsInRow);
            int[] labels = [.. Enumerable.Range(0, itemsInRow).Select(_ => random.Next(Labels))];
            random.DrawToFront(order.AsSpan(), Shots);
            var damaged = order.Take((int)Math.Round(wrong * Shots)).ToHashSet();
            int[] tokens = new int[Length], votes = new int[Labels];
            int query = random.Next(itemsInRow);
            tokens[0] = Bos;
            for (int shot = 0; shot < Shots; shot++)
            {
                int item = random.Next(itemsInRow), label = labels[item];
                if (damaged.Contains(shot)) label = (label + 1 + random.Next(Labels - 1)) % Labels;
                if (item == query) votes[label]++;
                (tokens[1 + (2 * shot)], tokens[2 + (2 * shot)]) = (FirstItem + items[item], FirstLabel + label);
            }
            tokens[^1] = FirstItem + items[query];
            (rows.Tokens[row], rows.Truth[row], rows.Vote[row]) = (tokens, labels[query], Array.IndexOf(votes, votes.Max()));
        }
        return rows;
    }

    /// <summary>
    /// Trains a two-layer attention-only model, first to copy random tokens that repeat, which forms the heads that labelling needs and labelling alone
    /// forms late, then to predict the labels as they stand in rows of which <paramref name="wrong"/> are wrong.
    /// </summary>
    public static LanguageModel Train(int seed, double wrong, int steps, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var config = new DecoderConfig { Layers = 2, DModel = Width, Heads = Heads, Vocabulary = FirstItem + Items, Context = Length, Positions = PositionEncoding.Shortformer, BosTokenId = Bos };
        var repeated = new RepeatedSequenceOptions { Tokens = [.. Enumerable.Range(FirstLabel, Labels + Items)], BosTokenId = Bos, Lengths = [Length] };
        using var copying = new DecoderTrainer(config, new RepeatedSequenceData(repeated, seed), new TrainingOptions { Seed = seed, BatchTokens = BatchRows * Length });
        copying.Train(CopyingSteps, step => progress?.Report(0.5 * step.Step / CopyingSteps), cancellationToken);
        var model = copying.ToModel();
        try
        {
            NamedParameter[] parameters = [.. model.Weights.Named().Select(w => new NamedParameter(w.Name, w.Value))];
            using var run = new TrainingRun(parameters, new AdamW(parameters, new AdamWSettings(step => 3e-3 * (1 + Math.Cos(Math.PI * step / steps)) / 2, Beta2: 0.98, WeightDecay: 0.01, ClipNorm: 1)), []);
            var random = new SeededRandom(seed, RandomStream.Labelling);
            run.Train(steps, step =>
            {
                var rows = Draw(random, BatchRows, wrong, ItemsInRow[step % ItemsInRow.Count]);
                using var result = DecoderPass.Run(config, model.Weights, new TokenBatch(rows.Tokens), new ForwardPlan().TokenLosses(), cancellationToken);
                return result.TokenLosses![TorchSharp.torch.TensorIndex.Colon, TorchSharp.torch.TensorIndex.Slice(1, null, 2)].mean(); // from items to labels
            }, (done, _) => progress?.Report(0.5 + (0.5 * done / steps)), cancellationToken);
            foreach (var parameter in parameters) parameter.Value.requires_grad_(false);
            return model;
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Whether the query's most likely label is the true one, by row.</summary>
    public static double[] Correct(LanguageModel model, Rows rows, CancellationToken cancellationToken)
    {
        long[] guesses = [];
        var plan = new ForwardPlan().Observe(Site.Logits, logits =>
        {
            using var scope = TorchSharp.torch.NewDisposeScope();
            guesses = logits.select(1, Length - 1).narrow(1, FirstLabel, Labels).argmax(-1).data<long>().ToArray();
        });
        using var result = model.Run(new TokenBatch(rows.Tokens), plan, cancellationToken);
        return [.. rows.Truth.Select((label, i) => guesses[i] == label ? 1.0 : 0)];
    }
}
