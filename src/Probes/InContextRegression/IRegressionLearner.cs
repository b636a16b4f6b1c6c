namespace MlNetIcl.Probes;

/// <summary>A regressor from elsewhere, to be compared on the same tasks.</summary>
public interface IRegressionLearner
{
    /// <summary>What it is called in results; no other learner may have the name.</summary>
    string Name { get; }

    /// <summary>Learns from one task's demonstrations and answers its query.</summary>
    /// <param name="inputs">x of each demonstration, at least one, d values each.</param>
    /// <param name="outputs">y of each.</param>
    /// <param name="query">x of the query.</param>
    float Predict(IReadOnlyList<float[]> inputs, IReadOnlyList<float> outputs, float[] query);
}
