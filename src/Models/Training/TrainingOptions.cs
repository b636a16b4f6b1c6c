namespace MlNetIcl.Models.Training;

/// <summary>Settings of <see cref="DecoderTrainer"/>. The defaults form induction heads in a two-layer attention-only decoder within 1,000 steps.</summary>
public sealed record TrainingOptions
{
    /// <summary>Tokens in a batch. Range: at least 1. <value>Default 2048: 32 rows of 64.</value></summary>
    public int BatchTokens { get; init; } = 2048;

    /// <summary>Learning rate after warm-up. Range: finite, above 0. <value>Default 0.01.</value></summary>
    public double LearningRate { get; init; } = 1e-2;

    /// <summary>Steps over which the learning rate rises linearly from 0. Range: at least 0. <value>Default 50.</value></summary>
    public int WarmupSteps { get; init; } = 50;

    /// <summary>Steps over which the learning rate falls to 0 by a half cosine, counted from the first. Range: 0 (it does not fall) or more than <see cref="WarmupSteps"/>. <value>Default 0.</value></summary>
    public int DecaySteps { get; init; }

    /// <summary>Decay of the mean of gradients. Range: [0, 1). <value>Default 0.9.</value></summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>Decay of the mean of squared gradients. Range: [0, 1). <value>Default 0.98.</value></summary>
    public double Beta2 { get; init; } = 0.98;

    /// <summary>Added to the root of the mean of squared gradients. Range: finite, above 0. <value>Default 1e-8.</value></summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Decoupled weight decay, for matrices only. Range: finite, at least 0. <value>Default 0.01.</value></summary>
    public double WeightDecay { get; init; } = 0.01;

    /// <summary>Largest L2 norm of the gradient of all weights together; longer ones are scaled down. Range: above 0. <value>Default 1.</value></summary>
    public double ClipNorm { get; init; } = 1;

    /// <summary>Standard deviation of the first weights. Range: finite, at least 0. <value>Default 0.07,</value> with which the circuit forms sooner than with 0.02.</summary>
    public double InitialStd { get; init; } = 0.07;

    /// <summary>
    /// Whether a table of positions starts as sinusoids and not at random. <value>Default false.</value> True lets heads find the previous
    /// token in contexts of hundreds of tokens, where each row of a random table would have to be learned by itself.
    /// </summary>
    public bool SinusoidalPositions { get; init; }

    /// <summary>Seed of the first weights. <value>Default 0.</value></summary>
    public int Seed { get; init; }

    /// <summary>Every how many steps copying is measured on held-out rows. Range: at least 1. <value>Default 50.</value></summary>
    public int EvaluateEvery { get; init; } = 50;

    /// <summary>The learning rate of a step, counted from 0.</summary>
    public double LearningRateAt(int step)
    {
        if (step < WarmupSteps) return LearningRate * (step + 1) / WarmupSteps;
        if (DecaySteps == 0) return LearningRate;
        double done = Math.Min(1, (double)(step - WarmupSteps) / (DecaySteps - WarmupSteps));
        return LearningRate * (1 + Math.Cos(Math.PI * done)) / 2;
    }

    internal AdamWSettings ToAdamW() => new(LearningRateAt, Beta1, Beta2, Epsilon, WeightDecay, ClipNorm);

    /// <summary>Checks every range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value is outside its range; the message names it.</exception>
    public void Validate()
    {
        Setting.Require(BatchTokens >= 1, BatchTokens, "at least 1");
        Setting.Require(double.IsFinite(LearningRate) && LearningRate > 0, LearningRate, "finite and above 0");
        Setting.Require(WarmupSteps >= 0, WarmupSteps, "at least 0");
        Setting.Require(DecaySteps == 0 || DecaySteps > WarmupSteps, DecaySteps, $"0 or more than {nameof(WarmupSteps)}");
        Setting.Require(Beta1 is >= 0 and < 1, Beta1, "in [0, 1)");
        Setting.Require(Beta2 is >= 0 and < 1, Beta2, "in [0, 1)");
        Setting.Require(double.IsFinite(Epsilon) && Epsilon > 0, Epsilon, "finite and above 0");
        Setting.Require(double.IsFinite(WeightDecay) && WeightDecay >= 0, WeightDecay, "finite and at least 0");
        Setting.Require(ClipNorm > 0, ClipNorm, "above 0");
        Setting.Require(double.IsFinite(InitialStd) && InitialStd >= 0, InitialStd, "finite and at least 0");
        Setting.Require(EvaluateEvery >= 1, EvaluateEvery, "at least 1");
    }
}
