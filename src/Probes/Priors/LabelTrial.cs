using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>What is done to the demonstrations.</summary>
internal enum DemonstrationKind
{
    /// <summary>Nothing: each text with its label.</summary>
    True,

    /// <summary>The same labels in another order, whatever the text.</summary>
    ShuffledPairs,

    /// <summary>Each text replaced by as many words drawn from all texts, so that it is no sentence of the set's kind.</summary>
    ForeignTexts,

    /// <summary>Labels replaced by words that are none, one for each label drawn (Min et al. 2022, random English words).</summary>
    ForeignLabels,
}

/// <summary>Prompts from labelled texts and what a model says to them; the same queries and draws for every kind of demonstrations.</summary>
internal sealed class LabelTrial
{
    // Common words of one token in most vocabularies, that label nothing.
    private static readonly string[] Foreign = ["table", "river", "window", "paper", "stone", "garden", "letter", "music", "winter", "corner", "silver", "market"];

    private readonly LabelledTexts _texts;
    private readonly LabelPriorOptions _options;
    private readonly LabelPrompt _prompt;
    private readonly LabelReader _reader;
    private readonly int[][] _shots; // [draw][shot]: places of texts
    private readonly int[][] _queries;
    private readonly CancellationToken _cancellation;

    public LabelTrial(LanguageModel model, LabelledTexts texts, LabelPriorOptions options, CancellationToken cancellation)
    {
        (_texts, _options, _cancellation) = (texts, options, cancellation);
        _prompt = new LabelPrompt(model, options.Template, options.Separator, options.WordsFor(texts));
        _reader = new LabelReader(model, _prompt.LabelTokens);
        var random = new SeededRandom(options.Seed, RandomStream.Demonstrations);
        int[] all = [.. Enumerable.Range(0, texts.Texts.Count)];
        random.DrawToFront(all.AsSpan(), all.Length);
        // A third at most is asked about, so that draws of demonstrations differ.
        int queries = Math.Min(options.Queries, all.Length / 3);
        if (queries < 2) throw new ArgumentException($"Expected at least 6 labelled texts, got {all.Length}.", nameof(texts));
        Asked = all[..queries];
        int[][] byLabel = [.. Enumerable.Range(0, texts.LabelNames.Count).Select(label => all[queries..].Where(i => texts.Labels[i] == label).ToArray())];
        int each = (options.Demonstrations + byLabel.Length - 1) / byLabel.Length;
        if (byLabel.Any(b => b.Length < each)) throw new ArgumentException($"Expected at least {each} texts of every label beside the {queries} queries, for {options.Demonstrations} demonstrations. Ask for fewer.", nameof(options));
        _shots = [.. Enumerable.Range(0, options.Draws).Select(_ =>
        {
            int[] shots = [.. byLabel.SelectMany(of =>
            {
                random.DrawToFront(of.AsSpan(), each);
                return of[..each];
            })];
            random.DrawToFront(shots.AsSpan(), shots.Length);
            return shots[..options.Demonstrations];
        })];
        _queries = [.. Asked.Select(i => _prompt.Query(texts.Texts[i]))];
    }

    /// <summary>The texts that are asked about, by their places.</summary>
    public int[] Asked { get; }

    /// <summary>The labels' words.</summary>
    public IReadOnlyList<string> Labels => _prompt.Labels;

    /// <summary>Without demonstrations [query][label].</summary>
    public double[][] WithoutDemonstrations() => _reader.Read(_prompt.Demonstrations([]), _queries, _cancellation);

    /// <summary>Content-free inputs without demonstrations [input][label].</summary>
    public double[][] ContentFree() => _reader.Read(_prompt.Demonstrations([]), [.. _options.ContentFree.Select(_prompt.Query)], _cancellation);

    /// <summary>With demonstrations of a kind [draw][query][label].</summary>
    public double[][][] With(DemonstrationKind kind) => [.. Enumerable.Range(0, _shots.Length).Select(draw => Answer(Changed(draw, kind)))];

    /// <summary>With a share of the labels wrong, uniform over the others [draw][query][label].</summary>
    public double[][][] WithWrongLabels(double share) => [.. Enumerable.Range(0, _shots.Length).Select(draw =>
    {
        var random = Random(draw);
        int[] order = [.. Enumerable.Range(0, _shots[draw].Length)];
        random.DrawToFront(order.AsSpan(), order.Length);
        var wrong = order.Take((int)Math.Round(share * order.Length)).ToHashSet();
        return Answer(_shots[draw].Select((text, at) =>
        {
            int label = _texts.Labels[text];
            if (wrong.Contains(at)) label = (label + 1 + random.Next(Labels.Count - 1)) % Labels.Count;
            return (_texts.Texts[text], Labels[label]);
        }));
    })];

    /// <summary>Whether each query's most likely label is its own, mean over draws.</summary>
    public double[] Accuracy(double[][][] answers) =>
        [.. Asked.Select((text, q) => answers.Average(draw => Array.IndexOf(draw[q], draw[q].Max()) == _texts.Labels[text] ? 1.0 : 0))];

    private double[][] Answer(IEnumerable<(string Text, string Label)> shots) => _reader.Read(_prompt.Demonstrations(shots), _queries, _cancellation);

    private SeededRandom Random(int draw) => new(unchecked((_options.Seed * 1000) + 1 + draw), RandomStream.Demonstrations);

    private IEnumerable<(string Text, string Label)> Changed(int draw, DemonstrationKind kind)
    {
        var random = Random(draw);
        string[] words = kind == DemonstrationKind.ForeignTexts ? [.. _texts.Texts.SelectMany(t => t.Split(' ', StringSplitOptions.RemoveEmptyEntries))] : [];
        string[] foreign = [.. Foreign];
        if (kind == DemonstrationKind.ForeignLabels) random.DrawToFront(foreign.AsSpan(), Math.Min(Labels.Count, foreign.Length));
        int[] shuffled = [.. _shots[draw].Select(i => _texts.Labels[i])];
        if (kind == DemonstrationKind.ShuffledPairs) random.DrawToFront(shuffled.AsSpan(), shuffled.Length);
        return [.. _shots[draw].Select((i, at) =>
        {
            string text = _texts.Texts[i];
            int label = _texts.Labels[i];
            return kind switch
            {
                DemonstrationKind.ShuffledPairs => (text, Labels[shuffled[at]]),
                DemonstrationKind.ForeignTexts => (string.Join(' ', text.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(_ => words[random.Next(words.Length)])), Labels[label]),
                DemonstrationKind.ForeignLabels => (text, foreign[label % foreign.Length]),
                _ => (text, Labels[label]),
            };
        })];
    }
}
