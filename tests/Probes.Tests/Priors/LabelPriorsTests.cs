using MlNetIcl.Models;
using MlNetIcl.Testing;
using static TorchSharp.torch;

namespace MlNetIcl.Probes.Tests.Priors;

public class LabelPriorsTests
{
    // Lower-case letters, each a token of the embedded tokenizer; the label words begin differently.
    private static readonly LabelledTexts Texts = new(
        [.. Enumerable.Range(0, 60).Select(i => new string((char)('a' + (i % 10)), 1 + (i % 4)) + (i % 2 == 0 ? "x" : "y"))],
        [.. Enumerable.Range(0, 60).Select(i => i % 2)], ["n", "p"]);

    private static readonly LabelPriorOptions Small = new() { Template = "{text}>", Separator = "\n", Demonstrations = 4, Draws = 2, Queries = 12 };

    [Theory]
    [InlineData(PositionEncoding.Rotary)]
    [InlineData(PositionEncoding.Learned)]
    [InlineData(PositionEncoding.Shortformer)]
    [InlineData(PositionEncoding.Alibi)]
    [InlineData(PositionEncoding.T5Bias)]
    public void Read_SharedBeginning_EqualsWholePromptsOneByOne(PositionEncoding positions)
    {
        using var model = Random(positions);
        int[] labels = [3, 7, 9], shared = [5, 6, 7, 8, 9, 10];
        int[][] queries = [[11, 12, 13], [14], [15, 16, 17, 18, 19], [20, 21]];

        double[][] read = new LabelReader(model, labels).Read(shared, queries, default);

        for (int q = 0; q < queries.Length; q++)
        {
            using var whole = model.Run(new TokenBatch([[.. shared, .. queries[q]]]), new ForwardPlan().Capture(Site.Logits));
            using var softmax = whole[Site.Logits][0, -1].softmax(-1);
            for (int l = 0; l < labels.Length; l++) Assert.Equal(softmax[labels[l]].item<float>(), read[q][l], 5);
        }
    }

    [Fact]
    public void Measure_RandomModel_IsTheSameForTheSameSeedAndSumsToOne()
    {
        using var model = WithTokenizer(Random(PositionEncoding.Rotary));
        LabelPriorResult first = LabelPriors.Measure(model, Texts, Small), second = LabelPriors.Measure(model, Texts, Small);

        Assert.Equal(first.Format, second.Format);
        Assert.Equal(first.ShuffledPairs, second.ShuffledPairs);
        Assert.Equal(1, first.Semantic.Sum(s => s.WithoutDemonstrations.Value), 9);
        Assert.Equal(1, first.Semantic.Sum(s => s.ContentFree), 9);
        Assert.Equal(1, first.Semantic.Sum(s => s.Share), 9);
        Assert.Equal(first.MassWith.Value - first.MassWithout.Value, first.Format.Value, 9);
        Assert.Equal(first.AccuracyTrue.Value - first.ForeignTexts.Accuracy.Value, first.ForeignTexts.Difference.Value, 9);
        Assert.NotEqual(first.Format, LabelPriors.Measure(model, Texts, Small with { Seed = 1 }).Format);
    }

    [Fact]
    public void Measure_ModelWithoutAttention_HasASemanticPriorAndNoOther()
    {
        // Embedding 0 and a bias: every prompt gets the same distribution, which is known.
        using var model = WithTokenizer(Constant(positive: 2, negative: 1));
        var result = LabelPriors.Measure(model, Texts, Small);
        double e1 = Math.E, e2 = Math.E * Math.E, positive = e2 / (e1 + e2);

        Assert.Equal(0, result.Format.Value, 9);
        Assert.Equal((e1 + e2) / (e1 + e2 + model.Config.Vocabulary - 2), result.MassWith.Value, 5);
        Assert.Equal(positive, result.Semantic[1].WithoutDemonstrations.Value, 5);
        Assert.Equal(positive - 0.5, result.Semantic[1].Difference.Value, 5);
        Assert.Equal(positive, result.Semantic[1].ContentFree, 5);
        Assert.Equal(0, result.ShuffledPairs.Difference.Value);
        Assert.Equal(result.Semantic[1].Share, result.AccuracyTrue.Value, 9); // always 'p'
    }

    [Fact]
    public void Measure_LabelsThatBeginAlike_AreRefused()
    {
        using var model = WithTokenizer(Random(PositionEncoding.Rotary));

        Assert.Contains("same token", Assert.Throws<ArgumentException>(() => LabelPriors.Measure(model, Texts, Small with { Labels = ["pa", "pa"] })).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Prompt_LabelsOfSeveralTokens_AreReadWhereTheyFirstDiffer()
    {
        using var model = WithTokenizer(Random(PositionEncoding.Rotary));
        int Id(string letter) => model.Tokenizer!.TokenId(letter)!.Value;
        var prompt = new LabelPrompt(model, "{text}>", "\n", ["pan", "pot", "pup"]);

        Assert.Equal([Id("a"), Id("o"), Id("u")], prompt.LabelTokens);
        Assert.Equal([Id("h"), Id("i"), Id(">"), Id(" "), Id("p")], prompt.Query("hi"));
        Assert.Equal(model.Tokenizer!.Tokenize("hi> pot\n").Ids, prompt.Demonstrations([("hi", "pot")]));
    }

    [Theory]
    [InlineData(1, 2, 12)]
    [InlineData(4, 0, 12)]
    [InlineData(4, 2, 1)]
    [InlineData(60, 2, 12)]
    public void Measure_SizesThatDoNotFit_AreRefused(int demonstrations, int draws, int queries)
    {
        using var model = WithTokenizer(Random(PositionEncoding.Rotary));

        Assert.ThrowsAny<ArgumentException>(() => LabelPriors.Measure(model, Texts, Small with { Demonstrations = demonstrations, Draws = draws, Queries = queries }));
    }

    [Fact]
    public void WithWrongLabels_NoneOrAll_IsTheTrueDemonstrationsOrNot()
    {
        using var model = WithTokenizer(Random(PositionEncoding.Rotary));
        double[][][] wrong = new LabelTrial(model, Texts, Small, default).WithWrongLabels(1), none = new LabelTrial(model, Texts, Small, default).WithWrongLabels(0), right = new LabelTrial(model, Texts, Small, default).With(DemonstrationKind.True);

        Assert.Equal(right[0][0], none[0][0]);
        Assert.NotEqual(right[0][0], wrong[0][0]);
    }

    private static LanguageModel Random(PositionEncoding positions) => RandomModels.Create(new DecoderConfig
    {
        Layers = 2,
        Heads = 2,
        DModel = 16,
        DMlp = 24,
        Vocabulary = 64,
        Context = 256,
        Positions = positions,
        Norm = NormKind.LayerNorm,
    });

    private static LanguageModel WithTokenizer(LanguageModel model)
    {
        using var embedded = LanguageModel.LoadEmbedded();
        return new LanguageModel(model.Config, model.Weights, embedded.Tokenizer);
    }

    private static LanguageModel Constant(double positive, double negative)
    {
        using var embedded = LanguageModel.LoadEmbedded();
        int Id(string letter) => embedded.Tokenizer!.TokenId(letter)!.Value;
        var model = Random(PositionEncoding.None);
        using var noGradients = no_grad();
        model.Weights.Unembedding.zero_();
        model.Weights.UnembeddingBias!.zero_();
        model.Weights.UnembeddingBias![Id("p")] = tensor((float)positive);
        model.Weights.UnembeddingBias![Id("n")] = tensor((float)negative);
        return model;
    }
}
