using MlNetIcl.Models;

namespace MlNetIcl.Probes;

/// <summary>
/// Scores every attention head of a model and says which are induction, previous-token and duplicate-token heads, each verdict
/// from the difference to matched controls, with an interval, a permutation test and a false discovery rate.
/// </summary>
/// <remarks>
/// <para>
/// Induction: mean over the queries of all repeats but the first of the summed attention to the tokens after earlier occurrences of
/// the query's token (Olsson et al. 2022, arXiv:2209.11895, prefix matching). Duplicate token: attention to the same token one
/// period back. Previous token: mean over queries from 1 of the attention to the token before.
/// </para>
/// <para>
/// The controls are BOS + the same first period + fresh tokens, and the same attention entries are read there; so a head that looks
/// back a fixed number of positions scores high and differs by nothing. For previous-token heads repetition is no control: the
/// difference is to uniform attention.
/// </para>
/// <para>A verdict is the kind's own name if q &lt; alpha and the lower end of the difference's interval reaches the threshold, <c>weak</c>
/// if it reaches the weak one, else <c>none</c>; or <c>too few sequences</c>. It says where a head looks;
/// <see cref="HeadDetectionOptions.Confirm"/> asks what the model loses without it. Members are thread-safe.</para>
/// </remarks>
public static class HeadDetector
{
    private const double ScoringShare = 0.1; // of the time, where ablations follow

    /// <summary>Scores all heads on generated sequences.</summary>
    /// <param name="model">The model.</param>
    /// <param name="options">Settings; null for the stated protocol.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="ArgumentException">An option is out of range, or context or vocabulary are too small for the period.</exception>
    public static HeadDetectionResult Detect(LanguageModel model, HeadDetectionOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new();
        options.Validate();
        var sequences = RepeatedSequences.Generate(model, options.Sequences, options.Period, options.Repeats, options.Seed);
        return OnRepetition(model, sequences, options, progress, cancellationToken);
    }

    /// <summary>
    /// Scores all heads on the caller's rows. Where all rows repeat in one way (<see cref="Periodicity.Infer"/>) controls are drawn
    /// for them and there are verdicts. Other rows are scored as text: per query with an earlier occurrence of its token, the summed
    /// attention to the tokens after those (duplicate token: to those), beside the chance level; verdicts only with
    /// <see cref="HeadDetectionOptions.ShuffledControls"/>, and then over the rows that have such a query.
    /// </summary>
    /// <param name="model">The model.</param>
    /// <param name="rows">Rows of tokens.</param>
    /// <param name="options">Settings; those of the generated sequences are not read, but the seed is.</param>
    /// <param name="progress">Told the share done, in [0, 1].</param>
    /// <param name="cancellationToken">Checked before every block of every pass.</param>
    /// <exception cref="InvalidTokensException">A row does not fit the model.</exception>
    /// <exception cref="ArgumentException">An option is out of range, too few ids are left for the controls, or confirmation is asked for on rows that do not repeat.</exception>
    public static HeadDetectionResult Detect(LanguageModel model, TokenBatch rows, HeadDetectionOptions? options = null, IProgress<double>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rows);
        options ??= new();
        options.Validate();
        rows.Validate(model.Config);
        if (RepeatedSequences.FromRows(model, rows, options.Seed) is { } sequences) return OnRepetition(model, sequences, options, progress, cancellationToken);
        if (options.Confirm)
            throw new ArgumentException("Confirmation reads the loss of a second repeat, but these rows do not all repeat in one and the same way. Give rows of whole repeats of one period, or none, so that sequences are generated.", nameof(rows));
        return OnText(model, rows, options, progress, cancellationToken);
    }

    private static HeadDetectionResult OnRepetition(LanguageModel model, RepeatedSequences sequences, HeadDetectionOptions options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        int n = sequences.Tokens.Count;
        var entries = PatternEntries.OfRepetition(sequences.Shape);
        var scoring = progress is null || !options.Confirm ? progress : new PartialProgress(progress, 0, ScoringShare);
        var pass = new HeadPass(model, options, scoring, cancellationToken);
        var losses = options.Losses ? new RepetitionLossReader(sequences.Shape, n) : null;
        pass.Run(sequences.Tokens, sequences.Controls, _ => entries, losses);

        var decision = new HeadDecision(options, n);
        var all = Enumerable.Range(0, n).ToArray();
        double uniform = PatternEntries.UniformPreviousToken(sequences.Shape.Length);
        HeadMeasure[] Decide(HeadKind kind) => decision.Decide(kind, pass.Scores(kind, all), pass.Controls(kind, all), cancellationToken);
        var result = pass.Result(sequences.Protocol,
            Decide(HeadKind.Induction),
            decision.Decide(HeadKind.PreviousToken, pass.Scores(HeadKind.PreviousToken, all), pass.Constant([.. all.Select(_ => uniform)]), cancellationToken),
            Decide(HeadKind.DuplicateToken)) with
        { Losses = losses?.Summarize(options) };
        if (!options.Confirm) return result;
        var confirming = progress is null ? null : new PartialProgress(progress, ScoringShare, 1);
        return result with { Confirmation = HeadConfirmer.Run(model, sequences, result, options, confirming, cancellationToken) };
    }

    private static HeadDetectionResult OnText(LanguageModel model, TokenBatch rows, HeadDetectionOptions options, IProgress<double>? progress, CancellationToken cancellationToken)
    {
        var pool = TokenPool.Of(model);
        var chance = new double[rows.Count];
        var entries = new List<PatternEntry>[rows.Count];
        for (int i = 0; i < entries.Length; i++) entries[i] = PatternEntries.OfText(rows[i], out chance[i]);
        var controls = options.ShuffledControls ? ShuffledRows.Of(rows, pool.BosTokenId, options.Seed) : null;
        var pass = new HeadPass(model, options, progress, cancellationToken);
        pass.Run(rows, controls, row => entries[row], losses: null);

        // A row without an earlier occurrence, or without a token before, is missing, not 0.
        int[] repeating = [.. Enumerable.Range(0, rows.Count).Where(i => !double.IsNaN(chance[i]))];
        int[] longer = [.. Enumerable.Range(0, rows.Count).Where(i => rows[i].Length > 1)];
        var (decideRepeating, decideLonger) = (new HeadDecision(options, repeating.Length), new HeadDecision(options, longer.Length));
        HeadMeasure[] Measure(HeadKind kind) => controls is null ? decideRepeating.Describe(pass.Scores(kind, repeating))
            : decideRepeating.Decide(kind, pass.Scores(kind, repeating), pass.Controls(kind, repeating), cancellationToken);
        var previous = pass.Scores(HeadKind.PreviousToken, longer);
        var protocol = new SequenceProtocol
        {
            Source = controls is null ? HeadScoreSource.Text : HeadScoreSource.TextWithShuffledControls,
            Sequences = rows.Count,
            Seed = options.Seed,
            BosTokenId = null,
            BosSource = "rows",
        };
        return pass.Result(protocol,
            Measure(HeadKind.Induction),
            controls is null ? decideLonger.Describe(previous)
                : decideLonger.Decide(HeadKind.PreviousToken, previous, pass.Constant([.. longer.Select(i => PatternEntries.UniformPreviousToken(rows[i].Length))]), cancellationToken),
            Measure(HeadKind.DuplicateToken)) with
        { Chance = repeating.Length == 0 ? null : repeating.Average(i => chance[i]) };
    }
}
